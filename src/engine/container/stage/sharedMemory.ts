import { ownFd, sendFd } from '../../../syscall/fd.ts'
import { O } from '../../../syscall/file.ts'
import {
  FS_MAGIC,
  filesystemTypeOfFd,
  MOUNT_ATTR,
  mountSetattr,
  openTreeClone,
} from '../../../syscall/mount.ts'
import { setns } from '../../../syscall/namespace.ts'
import { openInRootIfPresent } from '../../../syscall/rootPath.ts'

const PROTECTED = MOUNT_ATTR.nosuid | MOUNT_ATTR.nodev | MOUNT_ATTR.noexec

/**
 * Sends a copy of the mount at /dev/shm of a container, which can be attached elsewhere.
 * @param mountFd the container's mount namespace: the kernel copies mounts of its own namespace only
 * @returns false where the container has no such mount
 */
export function sendSharedMemory(rootFd: number, mountFd: number, socket: number): boolean {
  setns(mountFd, ['mount'])
  const found = openInRootIfPresent(rootFd, '/dev/shm', O.path | O.directory, { strict: true })
  if (found === undefined) return false
  using place = ownFd(found)
  if (filesystemTypeOfFd(place.fd) !== FS_MAGIC.tmpfs) return false
  using copy = ownFd(openTreeClone({ dirfd: place.fd, path: '', recursive: false }))
  mountSetattr({ dirfd: copy.fd, path: '', recursive: false, set: PROTECTED })
  sendFd(socket, copy.fd)
  return true
}
