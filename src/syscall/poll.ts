import { constants } from 'node:os'
import { SyscallError } from './error.ts'
import { bind, lastErrno } from './native.ts'

const c = { poll: bind('int poll(void *fds, size_t count, int timeoutMs)') }

/** Bits of {@link PollEntry}. @see poll(2) */
export const POLL = { in: 1, priority: 2, out: 4, error: 8, hangup: 16, readHangup: 0x2000 } as const

export interface PollEntry {
  readonly fd: number
  /** {@link POLL} bits; error and hangup are always told. */
  readonly events: number
}

/**
 * Waits for the first event of any entry.
 * @param timeoutMs negative for no limit
 * @returns the bits that came, in the order of the entries; all 0 when the time is over or a signal came
 */
export function pollMany(entries: readonly PollEntry[], timeoutMs: number): number[] {
  const buffer = Buffer.alloc(entries.length * 8)
  for (const [index, entry] of entries.entries()) {
    buffer.writeInt32LE(entry.fd, index * 8)
    buffer.writeInt16LE(entry.events, index * 8 + 4)
  }
  if (Number(c.poll(buffer, entries.length, timeoutMs)) < 0) {
    const errno = lastErrno()
    if (errno !== constants.errno.EINTR) throw new SyscallError('poll', errno)
    return entries.map(() => 0)
  }
  return entries.map((_, index) => buffer.readInt16LE(index * 8 + 6))
}
