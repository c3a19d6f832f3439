import { bind } from './native.ts'

const c = {
  signal: bind('size_t signal(int signal, size_t handler)'),
  sigprocmask: bind('int sigprocmask(int how, const void *set, void *old)'),
}

const SIG_SETMASK = 2
const SIGNALS = 64
/** glibc keeps 32 and 33; KILL and STOP cannot be changed. */
const UNTOUCHABLE = new Set([9, 19, 32, 33])

/**
 * Gives every signal its default action and unblocks all: engines ignore SIGPIPE, and what a process ignores
 * stays ignored in the program that it executes. @see signal(7), execve(2)
 */
export function resetSignals(): void {
  for (let number = 1; number <= SIGNALS; number++) {
    if (!UNTOUCHABLE.has(number)) c.signal(number, 0)
  }
  c.sigprocmask(SIG_SETMASK, Buffer.alloc(128), null)
}
