import { POLL, pollMany } from '../syscall/poll.ts'

/** A descriptor that is looked at; what it waits for may change at any time. */
export interface Watcher {
  /** {@link POLL} bits; 0 to rest: then not even a hangup is told. */
  events: number
  /** No more calls. */
  remove(): void
}

export interface Reactor {
  /** `onReady` gets the {@link POLL} bits that came. */
  watch(fd: number, events: number, onReady: (bits: number) => void): Watcher
  /** Calls once, after at least so many milliseconds; gives what cancels it. */
  after(delayMs: number, call: () => void): () => void
  /** Serves watchers and timers until {@link stop}. */
  run(): void
  stop(): void
}

interface Entry extends Watcher {
  readonly fd: number
  readonly onReady: (bits: number) => void
  removed: boolean
}

interface Timer {
  readonly at: number
  readonly call: () => void
}

/**
 * A loop around poll(2). Programs that wait for the whole life of a container use it instead of an event loop: it
 * needs no further thread, no network module, and hardly any memory.
 */
export function createReactor(): Reactor {
  let entries: readonly Entry[] = []
  let timers: readonly Timer[] = []
  let running = true
  const runTimers = () => {
    const now = performance.now()
    const due = timers.filter((timer) => timer.at <= now)
    if (due.length === 0) return
    timers = timers.filter((timer) => timer.at > now)
    for (const timer of due) timer.call()
  }
  const waitMs = () => {
    if (timers.length === 0) return -1
    return Math.max(0, Math.ceil(Math.min(...timers.map((timer) => timer.at)) - performance.now()))
  }
  return {
    watch: (fd, events, onReady) => {
      const entry: Entry = {
        fd,
        events,
        onReady,
        removed: false,
        remove: () => {
          entry.removed = true
          entries = entries.filter((other) => other !== entry)
        },
      }
      entries = [...entries, entry]
      return entry
    },
    after: (delayMs, call) => {
      const timer = { at: performance.now() + delayMs, call }
      timers = [...timers, timer]
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    run: () => {
      while (running) {
        const active = entries.filter((entry) => entry.events !== 0)
        const bits = pollMany(active, waitMs())
        for (const [index, entry] of active.entries()) {
          const ready = bits[index] ?? 0
          if (ready !== 0 && !entry.removed && running) entry.onReady(ready)
        }
        if (running) runTimers()
      }
    },
    stop: () => {
      running = false
    },
  }
}

/** Whether reading will not block: there is data, an end, or an error. */
export function isReadable(bits: number): boolean {
  return (bits & ~POLL.out) !== 0
}
