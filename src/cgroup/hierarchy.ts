import { accessSync, constants, readFileSync } from 'node:fs'
import { isErrno } from '../base/errors.ts'
import { FS_MAGIC, filesystemType } from '../syscall/mount.ts'

export const CGROUP_ROOT = '/sys/fs/cgroup'

/** Whether the host's control groups are those of version 2 alone: hybrid ones cannot limit anything without root. */
export function isUnified(): boolean {
  try {
    return filesystemType(CGROUP_ROOT) === FS_MAGIC.cgroup2
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

/** Whether the limits of a cgroup namespace's root are out of reach inside of it. @see cgroup-v2.rst, nsdelegate */
export function isNamespaceLimit(): boolean {
  return /^\S+ \/sys\/fs\/cgroup cgroup2 \S*\bnsdelegate\b/m.test(readControl('/proc/self/mounts') ?? '')
}

/** The path of a process in the unified hierarchy; undefined where it is gone. */
export function cgroupPathOf(pid: number | 'self'): string | undefined {
  return /^0::(\/.*)$/m.exec(readControl(`/proc/${pid}/cgroup`) ?? '')?.[1]
}

/** The content of a file of the kernel's; undefined where there is none, or no longer, or it says nothing in such a group. */
export function readControl(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'ENODEV', 'EACCES', 'EOPNOTSUPP')) return undefined
    throw error
  }
}

/** Names in a file such as cgroup.controllers. */
export function readNames(path: string): readonly string[] {
  return (readControl(path) ?? '').split(/\s+/).filter((name) => name !== '')
}

/** `key value` lines such as those of memory.events. */
export function readKeyed(path: string): ReadonlyMap<string, number> {
  const lines = (readControl(path) ?? '').split('\n').filter((line) => line !== '')
  return new Map(
    lines.map((line) => {
      const [key = '', value = '0'] = line.split(' ')
      return [key, Number(value)]
    }),
  )
}

/** Whether the caller may make groups in this one and move processes into them. */
export function isDelegated(directory: string): boolean {
  try {
    for (const path of [directory, `${directory}/cgroup.procs`, `${directory}/cgroup.subtree_control`])
      accessSync(path, constants.W_OK)
    return true
  } catch (error) {
    if (isErrno(error, 'EACCES', 'ENOENT', 'EROFS', 'EPERM')) return false
    throw error
  }
}
