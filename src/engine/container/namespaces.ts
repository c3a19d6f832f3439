import { readlinkSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'

/** Numbers of the kernel for the namespaces of a process; empty for what may not be seen. */
export interface NamespaceIds {
  readonly cgroup: string
  readonly ipc: string
  readonly mnt: string
  readonly net: string
  readonly pid: string
  readonly user: string
  readonly uts: string
}

export const NO_NAMESPACES: NamespaceIds = {
  cgroup: '',
  ipc: '',
  mnt: '',
  net: '',
  pid: '',
  user: '',
  uts: '',
}

/** @see namespaces(7), /proc/PID/ns */
export function namespaceIds(pid: number): NamespaceIds {
  const read = (name: string): string => {
    try {
      return /\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/${name}`))?.[1] ?? ''
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error
      return ''
    }
  }
  return {
    cgroup: read('cgroup'),
    ipc: read('ipc'),
    mnt: read('mnt'),
    net: read('net'),
    pid: read('pid'),
    user: read('user'),
    uts: read('uts'),
  }
}
