import { ownFd, pipe } from '../../../syscall/fd.ts'
import { waitForExit } from '../../../syscall/process.ts'
import { readAll } from '../../../userns/program.ts'
import { reportMain, resultOfReport } from '../../stage/report.ts'

/** Work in a forked child: synchronous calls only. */
export interface StageTask<T> {
  /** For messages: `copy files`. */
  readonly what: string
  /** Fds that the work uses, beside 0, 1 and 2. */
  readonly keepFds: readonly number[]
  /** Its result goes through JSON. */
  readonly work: () => T
}

/** Work in a container's root, by a forked child that is root of the container's user namespace: synchronous calls only. */
export interface RootTask<T> {
  /** For messages: `copy files`. */
  readonly what: string
  /** Fds that the work uses, beside 0, 1 and 2. */
  readonly keepFds: readonly number[]
  /**
   * `rootFd` names the container's root as its processes see it, with volumes and bind mounts: paths are to be resolved by openat2(2)
   * below it. The child's own root stays the host's, so that nothing of the image is ever loaded or run. The result goes through JSON.
   */
  readonly work: (rootFd: number) => T
}

/** Work that goes on in a child; disposing waits for its end. */
export interface StartedTask<T> extends Disposable {
  /** Becomes readable when the work is over. */
  readonly reportFd: number
  /** Waits for the end. @throws BryoError or StageError, what the work throws */
  finish(): T
}

/** What a way to fork needs of a task. */
export interface ForkedMain {
  readonly keepFds: readonly number[]
  readonly main: () => number
}

/** Has a child forked that does the work and reports how it went. @param fork gives the child's pid */
export function startTask<T>(
  { what, keepFds, work }: StageTask<T>,
  fork: (child: ForkedMain) => { readonly pid: number },
): StartedTask<T> {
  const [readEnd, writeEnd] = pipe()
  const report = ownFd(readEnd)
  using childReport = ownFd(writeEnd)
  try {
    const { pid } = fork({
      keepFds: [...keepFds, childReport.fd],
      main: () => reportMain(childReport.fd, work),
    })
    return startedTask<T>(pid, report, what)
  } catch (error) {
    report.close()
    throw error
  }
}

function startedTask<T>(pid: number, report: ReturnType<typeof ownFd>, what: string): StartedTask<T> {
  let reaped = false
  const reap = (): void => {
    if (!reaped) waitForExit(pid)
    reaped = true
  }
  return {
    reportFd: report.fd,
    finish: () => {
      const text = readAll(report.fd)
      report.close()
      reap()
      return resultOfReport<T>(text, what)
    },
    [Symbol.dispose]: () => {
      report.close()
      reap()
    },
  }
}
