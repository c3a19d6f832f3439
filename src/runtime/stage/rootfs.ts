import { openSync } from 'node:fs'
import type { OverlayPlan, RootfsPlan } from '../../base/rootfs.ts'
import { O } from '../../syscall/file.ts'
import { MS, mount, pivotRoot, unmountDetach } from '../../syscall/mount.ts'
import { chdir, fchdir } from '../../syscall/process.ts'
import { overlayData } from './overlay.ts'

/** Mounts that arrive later on the host still arrive here; none of ours goes back. */
export function detachPropagation(): void {
  mount({ target: '/', flags: MS.rec | MS.slave })
}

/** Mounts a root that the kernel alone provides. Overlay refuses with EACCES before the id maps are written. */
export function mountRoot(plan: RootfsPlan, mountPoint: string): void {
  if (plan.kind === 'overlay') mountOverlay(plan, mountPoint)
  if (plan.kind === 'directory') mount({ source: plan.path, target: mountPoint, flags: MS.bind | MS.rec })
}

function mountOverlay(plan: OverlayPlan, mountPoint: string): void {
  chdir(plan.base)
  mount({ source: 'overlay', target: mountPoint, fstype: 'overlay', data: overlayData(plan) })
  chdir('/')
}

/**
 * Mounts the fuse side of fuse-overlayfs and gives the fd that the program will serve. The kernel accepts the fd only
 * from the user namespace that mounts, and the ids only once the maps are written.
 */
export function mountFuse(mountPoint: string, root: { readonly uid: number; readonly gid: number }): number {
  const fd = openSync('/dev/fuse', O.rdwr | O.cloexec)
  mount({
    source: 'fuse-overlayfs',
    target: mountPoint,
    fstype: 'fuse.fuse-overlayfs',
    data: `fd=${fd},rootmode=40000,user_id=${root.uid},group_id=${root.gid},allow_other,default_permissions`,
  })
  return fd
}

/** Makes a mount point the root and lets the host's root go; gives an fd of the new one. */
export function enterRoot(mountPointFd: number): number {
  fchdir(mountPointFd)
  pivotRoot('.', '.')
  // The old root is stacked on the new one now: this takes it away.
  unmountDetach('.')
  chdir('/')
  return openSync('/', O.path | O.directory | O.cloexec)
}
