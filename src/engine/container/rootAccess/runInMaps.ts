import type { IdMaps } from '../../../base/idmap.ts'
import { ownFd, pipe } from '../../../syscall/fd.ts'
import { waitForExit } from '../../../syscall/process.ts'
import { startInUserNamespace } from '../../../userns/enter.ts'
import { readAll } from '../../../userns/program.ts'
import type { Engine } from '../../engine.ts'
import { reportMain, resultOfReport } from '../../stage/report.ts'

export interface MapsTask<T> {
  /** For messages: `export the container`. */
  readonly what: string
  readonly maps: IdMaps
  /** Fds that the work uses, beside 0, 1 and 2. */
  readonly keepFds: readonly number[]
  /** Runs in a forked child that is root of a namespace with the maps: synchronous calls only. Its result goes through JSON. */
  readonly work: () => T
}

/** Runs work on files whose owners are ids of the maps, and gives its result. @throws what the work throws */
export function runInMaps<T>(engine: Engine, task: MapsTask<T>): T {
  const started = startInMaps(engine, task)
  return started.finish()
}

/** As {@link runInMaps}, while this process goes on. */
export function startInMaps<T>(
  engine: Engine,
  { what, maps, keepFds, work }: MapsTask<T>,
): { finish(): T } & Disposable {
  const [readEnd, writeEnd] = pipe()
  const report = ownFd(readEnd)
  using childReport = ownFd(writeEnd)
  try {
    const { pid } = startInUserNamespace({
      maps,
      identity: engine.identity(),
      searchPath: engine.facts.env.PATH,
      keepFds: [...keepFds, childReport.fd],
      main: () => reportMain(childReport.fd, work),
    })
    let reaped = false
    const reap = (): void => {
      if (!reaped) waitForExit(pid)
      reaped = true
    }
    return {
      finish: () => {
        const text = readAll(report.fd)
        reap()
        return resultOfReport<T>(text, what)
      },
      [Symbol.dispose]: () => {
        report.close()
        reap()
      },
    }
  } catch (error) {
    report.close()
    throw error
  }
}
