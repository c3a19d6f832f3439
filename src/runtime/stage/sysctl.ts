import { closeSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { writeFd } from '../../syscall/fd.ts'
import { O } from '../../syscall/file.ts'
import { FS_MAGIC, filesystemTypeOfFd } from '../../syscall/mount.ts'
import { openInRoot } from '../../syscall/rootPath.ts'

/** Writes kernel parameters of the container's own namespaces, while its /proc/sys can still be written. */
export function writeSysctls(rootFd: number, sysctls: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(sysctls)) writeSysctl(rootFd, name, value)
}

/** `name` with dots, as sysctl(8) takes it. */
export function writeSysctl(rootFd: number, name: string, value: string): void {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`
  try {
    const fd = openInRoot(rootFd, path, O.wronly, { strict: true })
    try {
      // A volume could lie over /proc/sys: the value must reach the kernel or fail.
      if (filesystemTypeOfFd(fd) !== FS_MAGIC.proc)
        throw new BryoError('MOUNT', `cannot set sysctl "${name}": ${path} is not the kernel's`)
      writeFd(fd, Buffer.from(value))
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'EINVAL')) throw error
    throw new BryoError(
      'RUNTIME',
      `cannot set sysctl "${name}" to "${value}": ${isErrno(error, 'EINVAL') ? 'invalid value' : isErrno(error, 'ENOENT') ? 'the kernel has no such parameter' : 'permission denied'}`,
      { cause: error },
    )
  }
}
