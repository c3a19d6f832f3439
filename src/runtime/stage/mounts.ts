import { closeSync, fstatSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { ownFd } from '../../syscall/fd.ts'
import { newMount } from '../../syscall/fsmount.ts'
import {
  FS_MAGIC,
  filesystemTypeOfFd,
  MOUNT_ATTR,
  mount,
  mountSetattr,
  moveMountOnto,
  openTreeClone,
  unmountDetach,
} from '../../syscall/mount.ts'
import { ensureInRoot } from '../../syscall/rootPath.ts'
import type { MountSource, MountStep } from '../mountPlan.ts'
import { mountOpenOverlay, type OpenOverlay, overlayData } from './overlay.ts'

/** A mount that exists but has no place yet. */
export interface DetachedMount {
  readonly fd: number
  readonly isDirectory: boolean
}

type OverlaySource = Extract<MountSource, { readonly kind: 'overlay' }>

/** Makes the mount of a step: a copy of the host's tree, or a new filesystem. One that is filled first can be written until then. */
export function createMount({ source, attributes: wanted, target, copyUp }: MountStep): DetachedMount {
  const attributes = copyUp ? wanted & ~MOUNT_ATTR.rdonly : wanted
  if (source.kind === 'filesystem') {
    return { fd: createFilesystem(source.fstype, source.options, attributes, target), isDirectory: true }
  }
  if (source.kind === 'overlay') return { fd: createOverlay(source, attributes), isDirectory: true }
  if (source.kind === 'inherited') return { fd: source.fd, isDirectory: fstatSync(source.fd).isDirectory() }
  const fd = openTreeClone({ path: source.path, recursive: source.recursive, follow: true })
  mountSetattr({ dirfd: fd, path: '', recursive: true, set: attributes, propagation: source.propagation })
  return { fd, isDirectory: fstatSync(fd).isDirectory() }
}

function createFilesystem(
  fstype: string,
  options: Readonly<Record<string, string>>,
  attributes: number,
  target: string,
): number {
  try {
    return newMount({ fstype, source: fstype, options, attributes }, closeSync)
  } catch (error) {
    // The kernel refuses a new one where the host's own is partly hidden: what it hides would show.
    if (!isErrno(error, 'EPERM')) throw error
    if (fstype === 'sysfs') return cloneReadOnly('/sys')
    if (fstype === 'proc') {
      throw new BryoError(
        'MOUNT',
        `cannot mount "${target}": EPERM, expected a host /proc that nothing is mounted over`,
        {
          hint: 'bryo runs inside a container that masks parts of /proc: start that one with --security-opt unmask=/proc/* (Podman) or systempaths=unconfined (Docker)',
          cause: error,
        },
      )
    }
    throw error
  }
}

function createOverlay(source: OverlaySource, attributes: number): number {
  const { staging } = source
  mount({ source: 'overlay', target: staging, fstype: 'overlay', data: overlayData(source) })
  const fd = openTreeClone({ path: staging, recursive: false })
  unmountDetach(staging)
  mountSetattr({ dirfd: fd, path: '', recursive: false, set: attributes, propagation: 'private' })
  return fd
}

/** An overlay whose directories the mounting process opened before it became somebody else; its staging goes with the host's root. */
export function createFromOpenOverlay(overlay: OpenOverlay, attributes: number): DetachedMount {
  using staged = ownFd(mountOpenOverlay(overlay))
  const fd = openTreeClone({ dirfd: staged.fd, path: '', recursive: false })
  mountSetattr({ dirfd: fd, path: '', recursive: false, set: attributes, propagation: 'private' })
  return { fd, isDirectory: true }
}

function cloneReadOnly(path: string): number {
  const fd = openTreeClone({ path, recursive: true })
  const set = MOUNT_ATTR.rdonly | MOUNT_ATTR.nosuid | MOUNT_ATTR.nodev | MOUNT_ATTR.noexec
  mountSetattr({ dirfd: fd, path: '', recursive: true, set, propagation: 'private' })
  return fd
}

type AttachedStep = Pick<MountStep, 'target' | 'strictTarget'> & Partial<Pick<MountStep, 'attributes'>>

/**
 * Puts a mount at its target inside the root, which is made where it is missing.
 * @throws BryoError MOUNT where a link of the image leads to /proc: what lies over it would hide what protects it
 */
export function attachMount(
  rootFd: number,
  { target, strictTarget, attributes = 0 }: AttachedStep,
  detached: DetachedMount,
): void {
  if ((attributes & MOUNT_ATTR.rdonly) !== 0) {
    mountSetattr({ dirfd: detached.fd, path: '', recursive: true, set: MOUNT_ATTR.rdonly })
  }
  const targetFd = openTarget(rootFd, { target, strictTarget }, detached.isDirectory ? 'directory' : 'file')
  try {
    checkTarget(target, { rootFd, targetFd }, detached)
    moveMountOnto(detached.fd, targetFd)
  } finally {
    closeSync(targetFd)
    closeSync(detached.fd)
  }
}

function openTarget(
  rootFd: number,
  { target, strictTarget }: Pick<MountStep, 'target' | 'strictTarget'>,
  kind: 'directory' | 'file',
): number {
  try {
    return ensureInRoot(rootFd, target, kind, { strict: strictTarget })
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'EOVERFLOW')) throw error
    throw new BryoError('MOUNT', `cannot mount "${target}": the root lacks it, and it cannot be made there`, {
      hint: 'a root directory that may not be written needs an overlay: --rootfs DIR:O',
      cause: error,
    })
  }
}

function checkTarget(
  target: string,
  { rootFd, targetFd }: { readonly rootFd: number; readonly targetFd: number },
  { isDirectory }: DetachedMount,
): void {
  const [root, found] = [fstatSync(rootFd), fstatSync(targetFd)]
  if (found.dev === root.dev && found.ino === root.ino) {
    throw new BryoError(
      'MOUNT',
      `cannot mount "${target}": a link leads to the root, expected a path below it`,
    )
  }
  if (filesystemTypeOfFd(targetFd) === FS_MAGIC.proc) {
    throw new BryoError('MOUNT', `cannot mount "${target}": a link leads to /proc, where nothing may lie`)
  }
  if (found.isDirectory() === isDirectory) return
  const [wanted, other] = isDirectory ? ['directory', 'file'] : ['file', 'directory']
  throw new BryoError('MOUNT', `cannot mount "${target}": the target is a ${other}, expected a ${wanted}`)
}
