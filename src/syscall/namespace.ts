import { readlinkSync } from 'node:fs'
import { check } from './error.ts'
import { bind } from './native.ts'

const c = {
  unshare: bind('int unshare(int flags)'),
  setns: bind('int setns(int fd, int nstype)'),
  ioctl: bind('int ioctl(int fd, size_t request)'),
}

/** The clone flag of each namespace type. @see namespaces(7) */
export const CLONE_FLAG = {
  user: 0x10000000,
  mount: 0x00020000,
  pid: 0x20000000,
  network: 0x40000000,
  ipc: 0x08000000,
  uts: 0x04000000,
  cgroup: 0x02000000,
  time: 0x00000080,
} as const

export type NamespaceType = keyof typeof CLONE_FLAG

/** The name below /proc/PID/ns. */
export const NAMESPACE_FILE: Readonly<Record<NamespaceType, string>> = {
  user: 'user',
  mount: 'mnt',
  pid: 'pid',
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  time: 'time',
}

/** unshare(2), in a single-threaded process only: a runtime with threads gets EINVAL for `user`. */
export function unshare(types: readonly NamespaceType[]): void {
  const flags = types.reduce((sum, type) => sum | CLONE_FLAG[type], 0)
  check('unshare', c.unshare(flags), { types: types.join(',') })
}

/** setns(2) by a namespace fd (one type) or a pidfd (any types at once). */
export function setns(fd: number, types: readonly NamespaceType[]): void {
  const flags = types.reduce((sum, type) => sum | CLONE_FLAG[type], 0)
  check('setns', c.setns(fd, flags), { types: types.join(',') })
}

const NS_GET_USERNS = 0xb701
const NS_GET_NSTYPE = 0xb703

/** What a namespace fd is of; undefined for a type that came later than this. @see ioctl_nsfs(2) */
export function namespaceType(fd: number): NamespaceType | undefined {
  const flag = check('ioctl', c.ioctl(fd, NS_GET_NSTYPE), { request: 'NS_GET_NSTYPE' })
  return ALL.find((type) => CLONE_FLAG[type] === flag)
}

/**
 * An fd of the user namespace that a namespace belongs to.
 * @throws SyscallError EPERM where that lies outside of the caller's own
 * @see ioctl_nsfs(2)
 */
export function openOwner(fd: number): number {
  return check('ioctl', c.ioctl(fd, NS_GET_USERNS), { request: 'NS_GET_USERNS' })
}

const ALL: readonly NamespaceType[] = ['user', 'mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time']

/** The types of which another process has a namespace that this one is not in. */
export function foreignNamespaces(pid: number): readonly NamespaceType[] {
  return ALL.filter((type) => {
    const file = NAMESPACE_FILE[type]
    return readlinkSync(`/proc/${pid}/ns/${file}`) !== readlinkSync(`/proc/self/ns/${file}`)
  })
}
