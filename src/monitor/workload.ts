import { killIfAlive } from '../syscall/process.ts'
import type { Reactor } from './reactor.ts'
import type { Children } from './schedule.ts'

export interface WorkloadRequest {
  /** Of the container's init, a child of this process. */
  readonly initPid: number
  /** The container is killed when it has run for so long; undefined for never. */
  readonly timeoutMs?: number | undefined
  /** Where the workload is held: lets it run. False where it could not, and init ends. */
  readonly release?: (() => boolean) | undefined
  /** The workload runs: what else goes on meanwhile, health checks. */
  readonly onStart?: (reactor: Reactor, children: Children) => void
}

/** What depends on whether the workload runs: at once, or when somebody gives the word for one that is held. */
export interface SupervisedWorkload {
  /** Lets it run where it is held. @returns whether it runs */
  start(): boolean
  /** It never ran: what there is of the container listens to no signal. */
  isHeld(): boolean
  /** The container has ended. */
  end(): void
}

const SIGKILL = 9

export function superviseWorkload(
  reactor: Reactor,
  { release, onStart, initPid, timeoutMs }: WorkloadRequest,
  children: Children,
): SupervisedWorkload {
  let held = release !== undefined
  let runs = false
  let cancelTimeout: (() => void) | undefined
  const begin = () => {
    runs = true
    onStart?.(reactor, children)
    if (timeoutMs === undefined) return
    cancelTimeout = reactor.after(timeoutMs, () => killIfAlive(initPid, SIGKILL))
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
    isHeld: () => held,
    end: () => {
      held = false
      runs = false
      cancelTimeout?.()
    },
  }
}
