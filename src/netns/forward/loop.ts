import { POLL, pollMany } from '../../syscall/poll.ts'

/** Something that waits for events of one fd. */
export interface Source {
  readonly fd: number
  /** POLL bits that are wanted now; 0 to be left out. */
  events(): number
  /** Called with the bits that came. Must not throw for what a peer does. */
  ready(events: number): void
}

export interface Loop {
  add(source: Source): void
  remove(source: Source): void
}

export interface LoopOptions {
  /** The loop ends when the other end of this pipe is gone. */
  readonly exitFd: number
  readonly tickMs: number
  /** Called about every `tickMs`, to look for what is idle. */
  tick(): void
}

/** Serves sources one after the other until the exit pipe ends. */
export function runLoop(options: LoopOptions, setUp: (loop: Loop) => void): void {
  const sources = new Set<Source>()
  setUp({ add: (source) => sources.add(source), remove: (source) => sources.delete(source) })
  let nextTick = Date.now() + options.tickMs
  for (;;) {
    const active = [...sources].filter((source) => source.events() !== 0)
    const entries = active.map((source) => ({ fd: source.fd, events: source.events() }))
    const [exit, ...events] = pollMany(
      [{ fd: options.exitFd, events: POLL.in }, ...entries],
      Math.max(0, nextTick - Date.now()),
    )
    if (exit !== 0) return
    for (const [index, source] of active.entries()) {
      const came = events[index] ?? 0
      // One that was removed by an earlier one has a closed fd.
      if (came !== 0 && sources.has(source)) source.ready(came)
    }
    if (Date.now() >= nextTick) {
      options.tick()
      nextTick = Date.now() + options.tickMs
    }
  }
}
