import { mkdirSync, readFileSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { RootfsPlan } from '../../base/rootfs.ts'
import { fuseOptions } from '../../runtime/fuse.ts'
import { overlayData } from '../../runtime/stage/overlay.ts'
import { mountRoot } from '../../runtime/stage/rootfs.ts'
import { readContainers, requireContainer } from '../../storage/container/find.ts'
import {
  type ContainerRecord,
  containerDirectory,
  containerRunDirectory,
} from '../../storage/container/record.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import { appendEvent } from '../../storage/events.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { chooseDriver, requireFuseOverlay } from '../../storage/rootfs/driver.ts'
import { planRootfs, planRootfsDirectory } from '../../storage/rootfs/plan.ts'
import { mount, unmount, unmountDetach } from '../../syscall/mount.ts'
import { chdir, exitCodeOfStatus, spawnProgram, waitForExit } from '../../syscall/process.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { storageDriver } from './checkOptions.ts'
import { containerEvent } from './event.ts'
import { storedConfig } from './stored.ts'

export interface MountedContainer {
  readonly record: ContainerRecord
  readonly path: HostPath
}

/** @throws BryoError UNSUPPORTED where mounts of this process would be seen by nobody */
export function requireUnshared(engine: Engine, command: string): void {
  if (engine.unshared) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot run command "bryo ${command}" in rootless mode, must execute "bryo unshare" first`,
    { hint: `please execute "bryo unshare" first, and bryo ${command} in the shell that it starts` },
  )
}

/**
 * `mount`: shows a container's root in the mount namespace of `unshare`. One that runs is shown read-only, as what it writes meanwhile
 * must not meet what somebody else writes.
 * @returns the path; the same one where it is mounted already
 */
export function mountContainer(engine: Engine, name: string): HostPath {
  const record = requireContainer(engine.store, name)
  const path = mountPath(engine, record)
  if (mountPoints().has(path)) return path
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const plan = planRoot(engine, record)
  const running = isLive(effectiveState(engine.store, record.id))
  mountPlan(engine, running ? readOnly(plan) : plan, path)
  appendEvent(engine.store, containerEvent(record, 'mount'))
  return path
}

/** `unmount`. @throws BryoError INVALID_STATE where it is not mounted, IN_USE where files in it are open and `force` is not set */
export function unmountContainer(engine: Engine, name: string, force: boolean): ContainerRecord {
  const record = requireContainer(engine.store, name)
  const path = mountPath(engine, record)
  if (!mountPoints().has(path)) {
    throw new BryoError('INVALID_STATE', `cannot unmount container "${record.name}": it is not mounted`)
  }
  unmountPath(path, force)
  appendEvent(engine.store, containerEvent(record, 'unmount'))
  return record
}

export function unmountPath(path: HostPath, force: boolean): void {
  if (force) {
    unmountDetach(path)
    return
  }
  try {
    unmount(path)
  } catch (error) {
    if (!isErrno(error, 'EBUSY')) throw error
    throw new BryoError('IN_USE', `cannot unmount "${path}": files in it are in use`, {
      hint: 'use --force to take it away from the tree nevertheless',
      cause: error,
    })
  }
}

/** What is mounted in the mount namespace of this process. */
export function mountedContainers(engine: Engine): readonly MountedContainer[] {
  const mounted = mountPoints()
  return readContainers(engine.store)
    .map((record) => ({ record, path: mountPath(engine, record) }))
    .filter(({ path }) => mounted.has(path))
}

function mountPath({ store }: Engine, { id }: ContainerRecord): HostPath {
  return hostPath(containerRunDirectory(store, id), 'merged')
}

/** @see proc_pid_mountinfo(5) */
export function mountPoints(): ReadonlySet<string> {
  const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
  return new Set(lines.map((line) => decodeOctal(line.split(' ')[4] ?? '')))
}

function decodeOctal(path: string): string {
  const bytes = path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
  return Buffer.from(bytes, 'latin1').toString()
}

function planRoot(engine: Engine, record: ContainerRecord): RootfsPlan {
  const { store, runInUserns, facts } = engine
  const searchPath = facts.env.PATH ?? ''
  const maps = defaultMaps(engine)
  const directory = containerDirectory(store, record.id)
  const driver = {
    driver: chooseDriver({ store, requested: storageDriver(engine), runInUserns, searchPath }),
    fuseProgram: () => requireFuseOverlay(searchPath),
    maps,
    defaultMaps: maps,
    containerDirectory: directory,
  }
  const { rootfs } = storedConfig(record).request
  if (!rootfs) return planRootfs({ ...driver, store, layers: record.layers })
  return planRootfsDirectory({ ...driver, path: hostPath(rootfs.path), overlay: rootfs.overlay })
}

type MountPlan =
  | RootfsPlan
  | { readonly kind: 'read-only'; readonly base: string; readonly lower: readonly string[] }

function readOnly(plan: RootfsPlan): MountPlan {
  if (plan.kind === 'directory') return plan
  return { kind: 'read-only', base: plan.base, lower: [plan.upper, ...plan.lower] }
}

function mountPlan({ facts }: Engine, plan: MountPlan, target: HostPath): void {
  switch (plan.kind) {
    case 'overlay':
    case 'directory':
      mountRoot(plan, target)
      break
    case 'read-only':
      chdir(plan.base)
      mount({ source: 'overlay', target, fstype: 'overlay', data: overlayData(plan) })
      break
    case 'fuse-overlayfs': {
      chdir(plan.base)
      const argv = ['fuse-overlayfs', '-o', fuseOptions(plan), target]
      const code = exitCodeOfStatus(waitForExit(spawnProgram({ path: plan.program, argv, fds: [[2, 2]] })))
      if (code !== 0)
        throw new BryoError('MOUNT', `cannot mount "${target}": fuse-overlayfs ended with ${code}`)
    }
  }
  chdir(facts.cwd)
}
