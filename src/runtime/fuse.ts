import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { type IdMaps, rootIds } from '../base/idmap.ts'
import type { FuseOverlayPlan } from '../base/rootfs.ts'
import { closeOnExecFrom, dup2, messageSocketPair, readFd, setCloseOnExec, writeFd } from '../syscall/fd.ts'
import { O } from '../syscall/file.ts'
import { setns, unshare } from '../syscall/namespace.ts'
import { chdir, execve, forkChild, setGroupId, setParentDeathSignal, setUserId } from '../syscall/process.ts'
import { resetSignals } from '../syscall/signal.ts'

export interface FuseContext {
  /** What the container's init has mounted. */
  readonly fuseFd: number
  /** The container's user namespace. */
  readonly userFd: number
  /** Those of that namespace. */
  readonly maps: IdMaps
}

const SIGKILL = 9

/**
 * Starts fuse-overlayfs on a mount that exists already. It runs in the container's user namespace, or in one with the plan's
 * own maps, and always in a mount namespace of its own: so it holds none of the container's mounts, and ends when
 * the last of them goes.
 * @param writeIdMaps gives a new user namespace of a process its maps
 * @returns its pid, a child of this process
 * @see libfuse's mount point of the form /dev/fd/N
 */
export function startFuseOverlay(
  plan: FuseOverlayPlan,
  context: FuseContext,
  writeIdMaps: (pid: number, maps: IdMaps) => void,
): number {
  const [ours, theirs] = messageSocketPair()
  try {
    const pid = forkChild(() => serve(plan, context, theirs))
    if (plan.serverMaps) {
      readFd(ours, Buffer.alloc(1))
      writeIdMaps(pid, plan.serverMaps)
      writeFd(ours, Buffer.of(1))
    }
    return pid
  } finally {
    closeSync(ours)
    closeSync(theirs)
  }
}

function serve(plan: FuseOverlayPlan, context: FuseContext, socket: number): never {
  if (plan.serverMaps) {
    unshare(['user', 'mount'])
    writeFd(socket, Buffer.of(1))
    readFd(socket, Buffer.alloc(1))
  } else {
    setns(context.userFd, ['user'])
    unshare(['mount'])
  }
  const { uid, gid } = rootIds(plan.serverMaps ?? context.maps)
  setGroupId(gid)
  setUserId(uid)
  setParentDeathSignal(SIGKILL)
  quieten(`${dirname(plan.upper)}/fuse-overlayfs.log`)
  chdir(plan.base)
  const fd = 3
  if (context.fuseFd === fd) setCloseOnExec(fd, false)
  else dup2(context.fuseFd, fd)
  closeOnExecFrom(fd + 1)
  resetSignals()
  execve(
    plan.program,
    ['fuse-overlayfs', '-f', '-o', fuseOptions(plan), `/dev/fd/${fd}`],
    ['PATH=/usr/bin:/bin'],
  )
}

/** What it says belongs to nobody's output; the file goes with the container. */
function quieten(logPath: string): void {
  const log = openSync(logPath, O.wronly | O.creat | O.trunc | O.nofollow | O.cloexec, 0o600)
  const nothing = openSync('/dev/null', O.rdonly | O.cloexec)
  dup2(nothing, 0)
  dup2(log, 1)
  dup2(log, 2)
}

/** Pure: the `-o` argument. */
export function fuseOptions(plan: FuseOverlayPlan): string {
  const options = [
    `lowerdir=${plan.lower.map(escapePath).join(':')}`,
    `upperdir=${escapePath(plan.upper)}`,
    `workdir=${escapePath(plan.work)}`,
  ]
  if (plan.volatile) options.push('volatile')
  if (plan.uidMapping !== undefined) options.push(`uidmapping=${plan.uidMapping}`)
  if (plan.gidMapping !== undefined) options.push(`gidmapping=${plan.gidMapping}`)
  return options.join(',')
}

function escapePath(path: string): string {
  return path.replace(/[\\,:]/g, (character) => `\\${character}`)
}
