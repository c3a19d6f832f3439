import { readFileSync } from 'node:fs'
import { BryoError, unlessErrno } from '../../base/errors.ts'
import { getrlimit, RLIMIT, setrlimit } from '../../syscall/process.ts'

/**
 * Before a user namespace is made: what all of its users may have together. The kernel compares that with all tasks of the caller, those
 * outside of the namespace included, so it has to be more than runs already: as many as all users of the host have.
 * @param limit of the container's processes
 * @see kernel commit 21d1c5e386bc ("Reimplement RLIMIT_NPROC on top of ucounts")
 */
export function boundNewNamespace(limit: number): void {
  lowerLimit(BigInt(limit) + BigInt(countTasks()))
}

/** As {@link boundNewNamespace}, for the namespace that `make` makes, and not for what this process makes later. */
export function withBoundNamespace<T>(limit: number, make: () => T): T {
  const own = getrlimit(RLIMIT.nproc)
  const wanted = BigInt(limit) + BigInt(countTasks())
  setrlimit(RLIMIT.nproc, { soft: own.soft < wanted ? own.soft : wanted, hard: own.hard })
  try {
    return make()
  } finally {
    setrlimit(RLIMIT.nproc, own)
  }
}

/** Inside of the user namespace: what each of its users may have, counted in the namespace alone. */
export function limitProcesses(limit: number): void {
  lowerLimit(BigInt(limit))
}

/** What EAGAIN of a fork means. */
export function tooManyProcesses(cause: unknown): BryoError {
  const { soft } = getrlimit(RLIMIT.nproc)
  return new BryoError(
    'RUNTIME',
    `cannot start the container: the host allows its caller ${soft} processes, and all of them run already`,
    { hint: 'end some, or raise the limit: see "ulimit -u", and pids.max of the cgroup', cause },
  )
}

/** The caller's own limit stands where it is lower. */
function lowerLimit(wanted: bigint): void {
  const { hard } = getrlimit(RLIMIT.nproc)
  const value = hard < wanted ? hard : wanted
  setrlimit(RLIMIT.nproc, { soft: value, hard: value })
}

/** Tasks of the whole host, whatever the pid namespace and the options of /proc hide; 0 without a /proc. @see proc(5) /proc/loadavg */
function countTasks(): number {
  const text = unlessErrno(() => readFileSync('/proc/loadavg', 'latin1'), 'ENOENT', 'EACCES') ?? ''
  return Number(/^\S+ \S+ \S+ \d+\/(\d+) /.exec(text)?.[1] ?? 0)
}
