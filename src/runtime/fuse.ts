import { closeSync, mkdirSync, openSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { HostPath } from '../base/brand.ts'
import { type IdMaps, rootIds } from '../base/idmap.ts'
import { escapeOverlayOption } from '../base/overlayOption.ts'
import type { FuseOverlayPlan } from '../base/rootfs.ts'
import { SIGKILL } from '../base/signals.ts'
import {
  closeOnExecFrom,
  dup2,
  messageSocketPair,
  ownFd,
  readFd,
  setCloseOnExec,
  writeFd,
} from '../syscall/fd.ts'
import { O } from '../syscall/file.ts'
import { MS, mount, moveMountOnto, openTreeClone } from '../syscall/mount.ts'
import { setns, unshare } from '../syscall/namespace.ts'
import {
  chdir,
  execve,
  forkChild,
  setGroupId,
  setgroups,
  setParentDeathSignal,
  setUserId,
} from '../syscall/process.ts'
import { blockSignals, resetSignals } from '../syscall/signal.ts'

export interface FuseContext {
  /** What the container's init has mounted. */
  readonly fuseFd: number
  /** The container's user namespace. */
  readonly userFd: number
  /** Those of that namespace. */
  readonly maps: IdMaps
  /** See LaunchPlan. */
  readonly asHostRoot: boolean
  /** It ends with the mount alone, not also with this process. */
  readonly outlivesCaller?: boolean
}

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

/** SIGHUP, SIGINT, SIGTERM */
const ENDING_SIGNALS = [1, 2, 15]

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
  const become = () => {
    if (context.asHostRoot) setgroups([])
    setGroupId(gid)
    setUserId(uid)
    if (!context.outlivesCaller) setParentDeathSignal(SIGKILL)
  }
  const logPath = `${dirname(plan.upper)}/fuse-overlayfs.log`
  let seen = plan
  if (context.asHostRoot) {
    quieten(logPath)
    seen = showDirectories(plan, become)
  } else {
    become()
    quieten(logPath)
  }
  chdir(seen.base)
  const fd = 3
  if (context.fuseFd === fd) setCloseOnExec(fd, false)
  else dup2(context.fuseFd, fd)
  closeOnExecFrom(fd + 1)
  resetSignals()
  // A service manager may end all processes of a scope at once: the container needs its root to the last.
  blockSignals(ENDING_SIGNALS)
  execve(
    plan.program,
    ['fuse-overlayfs', '-f', '-o', fuseOptions(seen), `/dev/fd/${fd}`],
    ['PATH=/usr/bin:/bin'],
  )
}

/** A place that every host has and fuse-overlayfs does not need. */
const STAGE = '/sys'

/**
 * In a mount namespace of our own, brings the plan's directories to where the container's root can reach them: only the host's root can
 * follow the paths of its store. fuse-overlayfs looks at the whole of a path, so that open fds would not do.
 */
function showDirectories(plan: FuseOverlayPlan, become: () => void): FuseOverlayPlan {
  mount({ target: '/', flags: MS.rec | MS.slave })
  const clone = (path: string) => openTreeClone({ path: resolve(plan.base, path), recursive: false })
  const lower = plan.lower.map(clone)
  // Upper and work directory have to be of one mount.
  const container = clone(dirname(plan.upper))
  become()
  mount({ source: 'tmpfs', target: STAGE, fstype: 'tmpfs', data: 'mode=0700' })
  const show = (fd: number, name: string): string => {
    mkdirSync(`${STAGE}/${name}`, { mode: 0o700 })
    using place = ownFd(openSync(`${STAGE}/${name}`, O.path | O.directory | O.cloexec))
    moveMountOnto(fd, place.fd)
    return `${STAGE}/${name}`
  }
  const at = show(container, 'container')
  return {
    ...plan,
    base: hostPath(STAGE),
    lower: lower.map((fd, index) => show(fd, String(index))),
    upper: hostPath(`${at}/${basename(plan.upper)}`),
    work: hostPath(`${at}/${basename(plan.work)}`),
  }
}

function hostPath(path: string): HostPath {
  return path as HostPath
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
    `lowerdir=${plan.lower.map(escapeOverlayOption).join(':')}`,
    `upperdir=${escapeOverlayOption(plan.upper)}`,
    `workdir=${escapeOverlayOption(plan.work)}`,
  ]
  if (plan.volatile) options.push('volatile')
  if (plan.uidMapping !== undefined) options.push(`uidmapping=${plan.uidMapping}`)
  if (plan.gidMapping !== undefined) options.push(`gidmapping=${plan.gidMapping}`)
  return options.join(',')
}
