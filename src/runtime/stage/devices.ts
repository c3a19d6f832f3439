import { closeSync, fstatSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { makeDevice, O, symlinkat } from '../../syscall/file.ts'
import { moveMountOnto, openTreeClone } from '../../syscall/mount.ts'
import { ensureInRoot, openInRoot } from '../../syscall/rootPath.ts'
import type { SpecDevice } from '../spec.ts'

export interface HostDevice {
  readonly device: SpecDevice
  /** A detached copy of the node alone: nothing else of the host can be reached by it. */
  readonly mountFd: number
}

/** Takes a copy of each device node while the host's /dev is still there. */
export function openHostDevices(devices: readonly SpecDevice[]): readonly HostDevice[] {
  return devices.map((device) => {
    try {
      const mountFd = openTreeClone({ path: device.hostPath, recursive: false, follow: true })
      const stat = fstatSync(mountFd)
      if (!stat.isCharacterDevice() && !stat.isBlockDevice()) {
        closeSync(mountFd)
        throw new BryoError('MOUNT', `cannot add device "${device.hostPath}": not a device node`)
      }
      return { device, mountFd }
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'EACCES')) throw error
      throw new BryoError(
        'MOUNT',
        `cannot add device "${device.hostPath}": ${isErrno(error, 'ENOENT') ? 'no such device' : 'permission denied'}`,
        { cause: error },
      )
    }
  })
}

/** Device nodes cannot be made in a user namespace: each is the host's, mounted on an empty file. */
export function attachDevices(rootFd: number, devices: readonly HostDevice[]): void {
  for (const { device, mountFd } of devices) {
    const target = ensureInRoot(rootFd, device.path, 'file', { strict: true })
    try {
      moveMountOnto(mountFd, target)
    } finally {
      closeSync(target)
      closeSync(mountFd)
    }
  }
}

const LINKS: readonly (readonly [string, string])[] = [
  ['pts/ptmx', 'ptmx'],
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
]

/** The links that programs expect in /dev. */
export function createDeviceLinks(rootFd: number): void {
  const dev = openInRoot(rootFd, '/dev', O.path | O.directory, { strict: true })
  try {
    for (const [target, name] of LINKS) linkUnlessPresent(target, dev, name)
  } finally {
    closeSync(dev)
  }
}

function linkUnlessPresent(target: string, directory: number, name: string): void {
  try {
    symlinkat(target, directory, name)
  } catch (error) {
    if (!isErrno(error, 'EEXIST', 'EROFS')) throw error
  }
}

const NULL_DEVICE = makeDevice(1, 3)

/**
 * The container's /dev/null, opened with O_PATH or other flags, proven to be the kernel's: what masks a file must be empty.
 * @throws BryoError MOUNT where it is anything else
 */
export function openNullDevice(rootFd: number, flags: number = O.path): number {
  const fd = openInRoot(rootFd, '/dev/null', flags | O.nofollow, { strict: true })
  const stat = fstatSync(fd)
  if (stat.isCharacterDevice() && BigInt(stat.rdev) === NULL_DEVICE) return fd
  closeSync(fd)
  throw new BryoError(
    'MOUNT',
    'cannot use "/dev/null" inside the container: found another file, expected the character device 1:3',
  )
}
