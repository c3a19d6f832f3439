import { closeSync, fstatSync } from 'node:fs'
import { BryoError } from '../../../base/errors.ts'
import { chownat, makeDevice, mknodat, S_IF } from '../../../syscall/file.ts'
import { ensureInRoot } from '../../../syscall/rootPath.ts'
import { attachDevices, createDeviceLinks, type HostDevice, openHostDevices } from '../../stage/devices.ts'
import type { OciDevice } from '../config/types.ts'
import type { ContainerPlan } from '../plan.ts'

/** Every container has them. @see config-linux.md "Default Devices" */
const DEFAULT_DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`)

/**
 * Takes the host's device nodes: device nodes cannot be made in a user namespace, so each is the host's of the same path.
 * @throws BryoError MOUNT where the host has no such node there
 */
export function openPlannedDevices({ devices, furnishDevices }: ContainerPlan): readonly HostDevice[] {
  if (!furnishDevices) return []
  const nodes = devices.filter(({ type }) => type !== 'p')
  const own = DEFAULT_DEVICES.filter((path) => !nodes.some((device) => device.path === path))
  const paths = [...own, ...nodes.map(({ path }) => path)]
  const opened = openHostDevices(paths.map((path) => ({ path, hostPath: path, access: 'rwm' })))
  for (const { device, mountFd } of opened) {
    const wanted = nodes.find(({ path }) => path === device.path)
    if (wanted) checkDevice(wanted, mountFd)
  }
  return opened
}

function checkDevice({ path, type, major, minor }: OciDevice, fd: number): void {
  const stat = fstatSync(fd)
  const isSame = type === 'b' ? stat.isBlockDevice() : stat.isCharacterDevice()
  if (isSame && BigInt(stat.rdev) === makeDevice(major, minor)) return
  throw new BryoError(
    'MOUNT',
    `cannot add device "${path}": the host has another one there, expected ${type} ${major}:${minor}`,
    { hint: 'without root a device can only be the one that the host has at the same path' },
  )
}

/** Shows them, with the links that programs expect beside them; a named pipe is made. */
export function addDevices(
  { devices, furnishDevices }: ContainerPlan,
  rootFd: number,
  opened: readonly HostDevice[],
): void {
  if (!furnishDevices) return
  closeSync(ensureInRoot(rootFd, '/dev', 'directory', { strict: true }))
  attachDevices(rootFd, opened)
  for (const device of devices) if (device.type === 'p') makePipe(rootFd, device)
  createDeviceLinks(rootFd)
}

/** @see chown(2) */
const UNCHANGED = 0xffffffff

function makePipe(rootFd: number, device: OciDevice): void {
  const { path, fileMode = 0o666, uid = UNCHANGED, gid = UNCHANGED } = device
  const slash = path.lastIndexOf('/')
  const directory = ensureInRoot(rootFd, path.slice(0, slash) || '/', 'directory', { strict: true })
  try {
    const name = path.slice(slash + 1)
    mknodat(directory, name, S_IF.fifo | fileMode)
    chownat({ dirfd: directory, path: name, uid, gid })
  } finally {
    closeSync(directory)
  }
}
