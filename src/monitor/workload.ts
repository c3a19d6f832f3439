import type { StopNumbers } from '../base/monitorConfig.ts'
import { SIGKILL } from '../base/signals.ts'
import { killIfAlive } from '../syscall/process.ts'
import type { Reactor } from './reactor.ts'
import type { Children } from './schedule.ts'

export interface WorkloadRequest {
  /** Of the container's init, a child of this process. */
  readonly initPid: number
  /** The container is killed when it has run for so long; undefined for never. */
  readonly timeoutMs?: number | undefined
  /** Whoever ends the monitor, a service manager for example, means the container: it gets this signal, and is killed after so long. */
  readonly stop: StopNumbers
  /** Called before. */
  readonly onStop?: () => void
  /** Where the workload is held: lets it run. False where it could not, and init ends. */
  readonly release?: (() => boolean) | undefined
  /** The workload runs: what else goes on meanwhile, health checks. */
  readonly onStart?: (reactor: Reactor, children: Children) => void
}

/** What depends on whether the workload runs: at once, or when somebody gives the word for one that is held. */
export interface SupervisedWorkload {
  /** Lets it run where it is held. @returns whether it runs */
  start(): boolean
  /** Ends it. Where it never ran, what there is of the container listens to no signal. */
  stop(): void
  /** The container has ended. */
  end(): void
}

export function superviseWorkload(
  reactor: Reactor,
  { release, onStart, initPid, timeoutMs, stop, onStop }: WorkloadRequest,
  children: Children,
): SupervisedWorkload {
  let held = release !== undefined
  let runs = false
  const cancellations: (() => void)[] = []
  const killAfter = (delayMs: number | undefined) => {
    if (delayMs !== undefined) cancellations.push(reactor.after(delayMs, () => killIfAlive(initPid, SIGKILL)))
  }
  const begin = () => {
    runs = true
    onStart?.(reactor, children)
    killAfter(timeoutMs)
  }
  if (!held) begin()
  return {
    start: () => {
      if (held) {
        held = false
        if (release?.()) begin()
      }
      return runs
    },
    stop: () => {
      onStop?.()
      killIfAlive(initPid, held ? SIGKILL : stop.signal)
      if (!held) killAfter(stop.timeoutMs)
    },
    end: () => {
      held = false
      runs = false
      for (const cancel of cancellations) cancel()
    },
  }
}
