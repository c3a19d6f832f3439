import { constants } from 'node:os'
import { SyscallError } from './error.ts'
import { bind, lastErrno } from './native.ts'

const c = {
  listxattr: bind('long listxattr(const void *path, void *list, size_t size)'),
  getxattr: bind('long getxattr(const void *path, const char *name, void *value, size_t size)'),
  setxattr: bind(
    'int setxattr(const void *path, const char *name, const void *value, size_t size, int flags)',
  ),
}

/** The kernel's limit for a list of names and for a value. @see xattr(7) */
const MAX_SIZE = 65536
const ENODATA = 61
const { ENOTSUP, EOPNOTSUPP, EPERM } = constants.errno

let buffer: Buffer | undefined

/** One buffer for all calls: a tree has many files, and hardly any has attributes. */
function room(): Buffer {
  buffer ??= Buffer.alloc(MAX_SIZE)
  return buffer
}

/** The object behind an fd, also one that was opened with O_PATH, and also a symbolic link itself. */
function pathOf(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}\0`)
}

/** Names of the extended attributes of what `fd` stands for; none where the filesystem has no attributes. */
export function fdXattrNames(fd: number): readonly string[] {
  const list = room()
  const length = Number(c.listxattr(pathOf(fd), list, list.length))
  if (length < 0) {
    const errno = lastErrno()
    if (errno === ENOTSUP || errno === EOPNOTSUPP) return []
    throw new SyscallError('listxattr', errno, { fd })
  }
  if (length === 0) return []
  return list
    .toString('latin1', 0, length)
    .split('\0')
    .filter((name) => name !== '')
}

/** undefined where the attribute is not set, or is none that this process may read. */
export function fdXattr(fd: number, name: string): Buffer | undefined {
  const value = room()
  const length = Number(c.getxattr(pathOf(fd), name, value, value.length))
  if (length >= 0) return Buffer.from(value.subarray(0, length))
  const errno = lastErrno()
  if (errno === ENODATA || errno === ENOTSUP || errno === EOPNOTSUPP || errno === EPERM) return undefined
  throw new SyscallError('getxattr', errno, { fd, name })
}

export function setFdXattr(fd: number, name: string, value: Uint8Array): void {
  if (Number(c.setxattr(pathOf(fd), name, value, value.byteLength, 0)) === 0) return
  throw new SyscallError('setxattr', lastErrno(), { fd, name })
}
