let silent = 0

/** A forked child that said nothing was killed, and another took its place. */
export function countSilentFork(): void {
  silent += 1
}

/** How often that happened in this process. */
export function silentForks(): number {
  return silent
}
