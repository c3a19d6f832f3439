import { closeSync, openSync } from 'node:fs'
import type { RootfsPlan } from '../../../base/rootfs.ts'
import type { MountStep } from '../../../runtime/mountPlan.ts'
import {
  attachMount,
  createFromOpenOverlay,
  createMount,
  type DetachedMount,
} from '../../../runtime/stage/mounts.ts'
import {
  mountOpenOverlay,
  type OpenOverlay,
  openDirectory,
  openOverlay,
} from '../../../runtime/stage/overlay.ts'
import { detachPropagation, mountRoot } from '../../../runtime/stage/rootfs.ts'
import { copyUpVolume } from '../../../runtime/stage/volumes.ts'
import { readFd, sendFd } from '../../../syscall/fd.ts'
import { O } from '../../../syscall/file.ts'
import { newMount } from '../../../syscall/fsmount.ts'
import { moveMountOnto } from '../../../syscall/mount.ts'

/** What of a root has been opened as the caller, who finds the way to everything. */
export interface StoppedRoot {
  readonly place:
    | { readonly kind: 'overlay'; readonly overlay: OpenOverlay }
    | { readonly kind: 'directory'; readonly fd: number }
    | { readonly kind: 'fuse'; readonly fd: number }
  readonly mounts: readonly PackedMount[]
}

interface PackedMount {
  readonly step: MountStep
  readonly source: DetachedMount | OpenOverlay
}

/** Shared by both halves of a forked child; an error of the first one is told by the second. */
export interface OpenedRoot {
  root?: StoppedRoot
  failure?: unknown
}

interface PlannedPlace {
  readonly rootfs: RootfsPlan
  readonly mountPoint: string
}

/** First half, still as the caller. */
export function openStoppedRoot(opened: OpenedRoot, place: PlannedPlace, mounts: readonly MountStep[]): void {
  try {
    detachPropagation()
    opened.root = { place: openPlace(place), mounts: mounts.map(packMount) }
  } catch (error) {
    opened.failure = error
  }
}

function openPlace({ rootfs, mountPoint }: PlannedPlace): StoppedRoot['place'] {
  switch (rootfs.kind) {
    case 'overlay':
      return { kind: 'overlay', overlay: openOverlay(rootfs, mountPoint, rootfs.base) }
    case 'directory':
      mountRoot(rootfs, mountPoint)
      return { kind: 'directory', fd: openDirectory(mountPoint) }
    case 'fuse-overlayfs':
      return { kind: 'fuse', fd: openDirectory(mountPoint) }
  }
}

function packMount(step: MountStep): PackedMount {
  const { source } = step
  return { step, source: source.kind === 'overlay' ? openOverlay(source, source.staging) : createMount(step) }
}

/** Second half, as root of the container: gives an fd of the mounted root. */
export function mountStoppedRoot(
  { root, failure }: OpenedRoot,
  ids: { readonly uid: number; readonly gid: number },
  fuseSocket: number,
): number {
  if (!root) throw failure
  const rootFd = mountPlace(root.place, ids, fuseSocket)
  closeSync(fuseSocket)
  for (const { step, source } of root.mounts) {
    const detached = 'directories' in source ? createFromOpenOverlay(source, step.attributes) : source
    if (step.copyUp) copyUpVolume(rootFd, step.target, detached.fd, false)
    attachMount(rootFd, step, detached)
  }
  return rootFd
}

function mountPlace(
  place: StoppedRoot['place'],
  ids: { readonly uid: number; readonly gid: number },
  fuseSocket: number,
): number {
  switch (place.kind) {
    case 'overlay':
      return mountOpenOverlay(place.overlay)
    case 'directory':
      return place.fd
    case 'fuse':
      return mountFusePlace(place, ids, fuseSocket)
  }
}

/**
 * The container's root may be nobody who finds the mount point by its path: so the mount comes into being as an fd, which stays the way
 * to its root.
 */
function mountFusePlace(
  place: Extract<StoppedRoot['place'], { readonly kind: 'fuse' }>,
  ids: { readonly uid: number; readonly gid: number },
  socket: number,
): number {
  const fuseFd = openSync('/dev/fuse', O.rdwr | O.cloexec)
  const options = {
    subtype: 'fuse-overlayfs',
    fd: String(fuseFd),
    rootmode: '40000',
    user_id: String(ids.uid),
    group_id: String(ids.gid),
    allow_other: '',
    default_permissions: '',
  }
  const rootFd = newMount({ fstype: 'fuse', source: 'fuse-overlayfs', options }, closeSync)
  moveMountOnto(rootFd, place.fd)
  // This process has changed its ids: nobody else may look up its namespace.
  const userFd = openSync('/proc/self/ns/user', O.rdonly | O.cloexec)
  for (const fd of [fuseFd, userFd]) {
    sendFd(socket, fd)
    closeSync(fd)
  }
  readFd(socket, Buffer.alloc(1))
  return rootFd
}
