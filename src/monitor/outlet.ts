import { isErrno } from '../base/errors.ts'
import { readAvailable, writeAvailable } from '../syscall/fd.ts'
import { POLL } from '../syscall/poll.ts'
import { isReadable, type Reactor, type Watcher } from './reactor.ts'

/** Where bytes go: kept until the other side takes them. */
export interface Outlet {
  /** Takes all of it, at once or later. */
  write(data: Uint8Array): void
  /** Nothing waits. */
  readonly idle: boolean
  /** The other side is gone: what is written is dropped. */
  readonly gone: boolean
  /** Calls when nothing waits any more, at once where that is so already. */
  whenIdle(call: () => void): void
  /** Forgets what waits. */
  abandon(): void
}

export interface OutletOptions {
  /** At most so many bytes in one write(2): PIPE_BUF for descriptors that block, where poll(2) promises no more. */
  readonly chunkBytes?: number
  /** Sends one message; undefined where it has no room now. By default write(2). */
  readonly send?: (data: Uint8Array) => number | undefined
  /** Nobody reads a pipe any more (EPIPE). */
  readonly onBrokenPipe?: () => void
}

/** What a write(2) that does not block may be told poll(2) is ready for. @see pipe(7) PIPE_BUF */
export const BLOCKING_CHUNK_BYTES = 4096

/** @param fd non-blocking, or with {@link BLOCKING_CHUNK_BYTES} */
export function openOutlet(reactor: Reactor, fd: number, options: OutletOptions = {}): Outlet {
  const { chunkBytes = Number.POSITIVE_INFINITY, send = (data) => writeAvailable(fd, data) } = options
  const blocking = Number.isFinite(chunkBytes)
  let queue: Uint8Array[] = []
  let gone = false
  let listeners: (() => void)[] = []
  let watcher: Watcher | undefined
  const settle = () => {
    watcher?.remove()
    watcher = undefined
    const calls = listeners
    listeners = []
    for (const call of calls) call()
  }
  const abandon = () => {
    queue = []
    gone = true
    settle()
  }
  const flush = (limit: number) => {
    for (let writes = 0; queue[0] !== undefined && writes < limit; writes++) {
      const head = queue[0]
      let written: number | undefined
      try {
        written = send(blocking ? head.subarray(0, chunkBytes) : head)
      } catch (error) {
        if (!isErrno(error, 'EPIPE', 'ECONNRESET', 'EIO', 'EBADF', 'ENOTCONN')) throw error
        abandon()
        if (isErrno(error, 'EPIPE')) options.onBrokenPipe?.()
        return
      }
      if (written === undefined) return
      if (written < head.byteLength) queue[0] = head.subarray(written)
      else queue.shift()
    }
    if (queue.length === 0) settle()
  }
  return {
    write: (data) => {
      if (gone || data.byteLength === 0) return
      // Whoever reads uses its buffer again.
      queue.push(Uint8Array.from(data))
      if (watcher) return
      if (!blocking) flush(Number.POSITIVE_INFINITY)
      if (queue.length > 0) watcher = reactor.watch(fd, POLL.out, () => flush(blocking ? 1 : 64))
    },
    get idle() {
      return queue.length === 0
    },
    get gone() {
      return gone
    },
    whenIdle: (call) => {
      if (queue.length === 0) call()
      else listeners.push(call)
    },
    abandon,
  }
}

const READ_BYTES = 32_768
/** A packet of the clients' protocol is a byte longer than what it carries: read shorter, it would lose its last one. */
export const READ_PACKET_BYTES = READ_BYTES + 1
let shared: Uint8Array | undefined

export interface SourceHandlers {
  /** The bytes are valid during the call only. */
  readonly onData: (data: Uint8Array) => void
  readonly onEnd: () => void
}

/** Reads a descriptor as it has data; `events` of the watcher is 0 while nobody wants more. Blocking descriptors will do. */
export function openSource(
  reactor: Reactor,
  fd: number,
  handlers: SourceHandlers,
  bytes = READ_BYTES,
): Watcher {
  const watcher = reactor.watch(fd, POLL.in, (bits) => {
    if (!isReadable(bits)) return
    shared ??= new Uint8Array(READ_PACKET_BYTES)
    const length = readOrEnd(fd, shared.subarray(0, bytes))
    if (length === undefined) return
    if (length > 0) {
      handlers.onData(shared.subarray(0, length))
      return
    }
    watcher.remove()
    handlers.onEnd()
  })
  return watcher
}

/**
 * As {@link readAvailable}; 0 for whatever means an end. A pty's master says EIO when its last slave is closed, a terminal when it was
 * hung up. A socket whose other side went without reading all says ECONNRESET, once and first: what it had sent can be read after that.
 */
export function readOrEnd(fd: number, buffer: Uint8Array): number | undefined {
  try {
    return readAvailable(fd, buffer)
  } catch (error) {
    if (isErrno(error, 'ECONNRESET')) return readOrEnd(fd, buffer)
    if (isErrno(error, 'EIO', 'EBADF')) return 0
    throw error
  }
}
