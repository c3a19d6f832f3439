import { constants } from 'node:os'
import { SyscallError } from './error.ts'
import { bind, lastErrno } from './native.ts'

const c = {
  send: bind('long syscall(long number, int pidfd, int signal, const void *info, uint32_t flags)'),
}

const SYS_PIDFD_SEND_SIGNAL = 424

/**
 * Sends a signal to exactly the process that the fd names, whatever its pid means by now.
 * @returns false where it is gone
 * @see pidfd_send_signal(2)
 */
export function signalPidfd(pidfd: number, signal: number): boolean {
  if (Number(c.send(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, null, 0)) === 0) return true
  const errno = lastErrno()
  if (errno === constants.errno.ESRCH) return false
  throw new SyscallError('pidfd_send_signal', errno, { signal })
}
