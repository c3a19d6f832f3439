import { readlinkSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'

const FIRST = 3
/** What a runtime opens at its start, at the first numbers that are free. */
const OF_RUNTIME = /^anon_inode:\[?(?:eventpoll|eventfd|timerfd|signalfd|io_uring|inotify)/

/**
 * `--preserve-fds`: how many descriptors from 3 on the workload gets. They must be the caller's: where one is missing, its number is that of
 * one of the runtime's own. To be called before anything is opened.
 * @throws BryoError USAGE
 */
export function preservedFds(count = 0): number {
  for (let fd = FIRST; fd < FIRST + count; fd++) {
    if (isOfCaller(fd)) continue
    throw new BryoError(
      'USAGE',
      `file descriptor ${fd} is not available - the preserve-fds option requires that file descriptors must be passed`,
    )
  }
  return count
}

function isOfCaller(fd: number): boolean {
  try {
    return !OF_RUNTIME.test(readlinkSync(`/proc/self/fd/${fd}`))
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    return false
  }
}
