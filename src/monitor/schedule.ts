import type { HealthSchedule } from '../base/monitorConfig.ts'
import type { WaitStatus } from '../syscall/process.ts'
import type { Reactor } from './reactor.ts'

/** Programs that run beside a container, as children of its monitor. */
export interface Children {
  /** Calls with the end of a child that was just started. */
  onEnd(pid: number, call: (status: WaitStatus) => void): void
}

/**
 * Runs health checks: the next one an interval after the last has ended, so that they never pile up.
 * @param start begins a check, and gives the pid of the child that ends with 0 where it has passed; undefined where it could not begin
 */
export function scheduleHealthChecks(
  reactor: Reactor,
  children: Children,
  { intervalMs, startupIntervalMs }: HealthSchedule,
  start: () => number | undefined,
): void {
  let starting = startupIntervalMs !== undefined
  const next = () => {
    reactor.after((starting ? startupIntervalMs : undefined) ?? intervalMs, () => {
      const pid = start()
      if (pid === undefined) next()
      else
        children.onEnd(pid, (status) => {
          if (status.kind === 'exited' && status.code === 0) starting = false
          next()
        })
    })
  }
  next()
}
