import { readlinkSync } from 'node:fs'
import { unlessErrno } from '../../base/errors.ts'

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
    const path = `/proc/${pid}/ns/${name}`
    const link = unlessErrno(() => readlinkSync(path), 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')
    return /\[(\d+)\]/.exec(link ?? '')?.[1] ?? ''
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
