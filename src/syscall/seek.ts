import { constants } from 'node:os'
import { SyscallError } from './error.ts'
import { bind, lastErrno } from './native.ts'

const lseek = bind('int64_t lseek(int fd, int64_t offset, int whence)')

const SEEK_DATA = 3
const SEEK_HOLE = 4

/** Where the next data at or after `offset` begins; undefined where only a hole follows. @see lseek(2) SEEK_DATA */
export function nextData(fd: number, offset: number): number | undefined {
  return seek(fd, offset, SEEK_DATA)
}

/** Where the next hole at or after `offset` begins: at the latest, the end of the file. undefined beyond it. */
export function nextHole(fd: number, offset: number): number | undefined {
  return seek(fd, offset, SEEK_HOLE)
}

function seek(fd: number, offset: number, whence: number): number | undefined {
  const result = Number(lseek(fd, offset, whence))
  if (result >= 0) return result
  const errno = lastErrno()
  if (errno === constants.errno.ENXIO) return undefined
  throw new SyscallError('lseek', errno, { fd, offset })
}
