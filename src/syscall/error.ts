import { constants } from 'node:os'
import { lastErrno } from './native.ts'

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))
// Some names share a number; these are the ones that people know.
ERRNO_NAMES.set(constants.errno.EAGAIN, 'EAGAIN')
ERRNO_NAMES.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP')
// node:os leaves these out.
ERRNO_NAMES.set(87, 'EUSERS')
ERRNO_NAMES.set(106, 'EISCONN')
ERRNO_NAMES.set(15, 'ENOTBLK')
ERRNO_NAMES.set(126, 'ENOKEY')

/** `EPERM` for 1; the number as text where it has no name. @see errno(3) */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? String(errno)
}

export type SyscallContext = Readonly<Record<string, string | number | bigint | undefined>>

/** A failed system call: `mount: EPERM (target=/proc)`. `code` has the form of Node's own errors. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError'
  readonly syscall: string
  readonly errno: number
  readonly code: string
  readonly context: SyscallContext

  constructor(syscall: string, errno: number, context: SyscallContext = {}) {
    const details = Object.entries(context).filter(([, value]) => value !== undefined && value !== '')
    const text = details.map(([key, value]) => `${key}=${value}`).join(' ')
    super(`${syscall}: ${errnoName(errno)}${text === '' ? '' : ` (${text})`}`)
    this.syscall = syscall
    this.errno = errno
    this.code = errnoName(errno)
    this.context = context
  }
}

/** Passes a result on, or throws the errno of the call just made. */
export function check(syscall: string, result: unknown, context?: SyscallContext): number {
  if (Number(result) < 0) throw new SyscallError(syscall, lastErrno(), context)
  return Number(result)
}
