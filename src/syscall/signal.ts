import { check } from './error.ts'
import { readAvailable } from './fd.ts'
import { bind } from './native.ts'

const c = {
  signal: bind('size_t signal(int signal, size_t handler)'),
  sigprocmask: bind('int sigprocmask(int how, const void *set, void *old)'),
  signalfd: bind('int signalfd(int fd, const void *mask, int flags)'),
}

const SIG_BLOCK = 0
const SIG_SETMASK = 2
const SIZEOF_SIGSET = 128
const SFD_FLAGS = 0o2004000
const SIGNALS = 64
/** glibc keeps 32 and 33; KILL and STOP cannot be changed. */
const UNTOUCHABLE = new Set([9, 19, 32, 33])
/** CHLD, CONT, URG, WINCH: to give one its default action, which is none, discards it where it is pending. */
const UNNOTICED = new Set([17, 18, 23, 28])

/**
 * Gives every signal its default action and unblocks all: engines ignore SIGPIPE, and what a process ignores
 * stays ignored in the program that it executes. @see signal(7), execve(2)
 * @param blocked what the program is to find pending where it came before
 */
export function resetSignals(blocked: readonly number[] = []): void {
  for (let number = 1; number <= SIGNALS; number++) {
    const isKept = UNNOTICED.has(number) && blocked.includes(number)
    if (!UNTOUCHABLE.has(number) && !isKept) c.signal(number, 0)
  }
  c.sigprocmask(SIG_SETMASK, signalSet(blocked), null)
}

function signalSet(signals: readonly number[]): Buffer {
  const mask = Buffer.alloc(SIZEOF_SIGSET)
  for (const signal of signals) {
    const byte = (signal - 1) >> 3
    mask.writeUInt8(mask.readUInt8(byte) | (1 << ((signal - 1) & 7)), byte)
  }
  return mask
}

/** Signals that come from now on wait for {@link openSignalFd}. */
export function blockSignals(signals: readonly number[]): void {
  check('sigprocmask', c.sigprocmask(SIG_BLOCK, signalSet(signals), null))
}

/**
 * Blocks signals and gives a close-on-exec, non-blocking fd from which they are read with {@link takeSignal}. Right for a process of
 * one thread: another one would still get them. @see signalfd(2)
 */
export function openSignalFd(signals: readonly number[]): number {
  const mask = signalSet(signals)
  check('sigprocmask', c.sigprocmask(SIG_BLOCK, mask, null))
  return check('signalfd', c.signalfd(-1, mask, SFD_FLAGS))
}

const SIZEOF_SIGNALFD_SIGINFO = 128

/** The next pending signal; undefined where there is none. */
export function takeSignal(fd: number): number | undefined {
  const info = Buffer.alloc(SIZEOF_SIGNALFD_SIGINFO)
  return readAvailable(fd, info) === undefined ? undefined : info.readUInt32LE(0)
}
