import { readlinkSync } from 'node:fs'
import { BryoError, unlessErrno } from '../base/errors.ts'

const FIRST = 3
/** What a runtime opens at its start, at the first numbers that are free. */
const OF_RUNTIME = /^anon_inode:\[?(?:eventpoll|eventfd|timerfd|signalfd|io_uring|inotify)/

/**
 * `--preserve-fds` and `--preserve-fd`: which descriptors the workload gets. They must be the caller's: where one is missing, its number is
 * that of one of the runtime's own. To be called before anything is opened.
 * @throws BryoError USAGE
 */
export function preservedFds(flags: {
  readonly preserveFds: number | undefined
  readonly preserveFd: readonly number[]
}): readonly number[] {
  const { preserveFds: count = 0, preserveFd: named } = flags
  if (count > 0 && named.length > 0)
    throw new BryoError('USAGE', 'cannot use --preserve-fds with --preserve-fd')
  const fds = count > 0 ? Array.from({ length: count }, (_, index) => FIRST + index) : named
  for (const fd of fds) {
    if (isOfCaller(fd)) continue
    throw new BryoError(
      'USAGE',
      `file descriptor ${fd} is not available - the preserve-fds option requires that file descriptors must be passed`,
    )
  }
  return fds
}

function isOfCaller(fd: number): boolean {
  return unlessErrno(() => !OF_RUNTIME.test(readlinkSync(`/proc/self/fd/${fd}`)), 'ENOENT') ?? false
}
