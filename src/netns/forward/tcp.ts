import { closeSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import { SyscallError } from '../../syscall/error.ts'
import { pipe } from '../../syscall/fd.ts'
import { POLL } from '../../syscall/poll.ts'
import {
  acceptNonBlocking,
  connectInet,
  type InetAddress,
  inetSocket,
  shutdownWrite,
  spliceNonBlocking,
  takeSocketError,
} from '../../syscall/socket.ts'
import type { Loop, Source } from './loop.ts'

export interface TcpForward {
  /** A listening, non-blocking socket of the host. */
  readonly listenFd: number
  /** In the container. */
  readonly target: InetAddress
}

/** How long a listener rests after a connection could not be taken for want of fds. */
const REST_MS = 100
const CHUNK = 65_536
/** Chunks of one connection before the others have their turn. */
const BATCH = 16

/** Connects every client of the host's port to the container; data moves inside the kernel. */
export function forwardTcp(loop: Loop, { listenFd, target }: TcpForward): void {
  let restUntil = 0
  loop.add({
    fd: listenFd,
    events: () => (Date.now() < restUntil ? 0 : POLL.in),
    ready() {
      try {
        const client = acceptNonBlocking(listenFd)
        if (client !== undefined) connectPair(loop, client, target)
      } catch (error) {
        if (!isErrno(error, 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM')) throw error
        restUntil = Date.now() + REST_MS
      }
    },
  })
}

function connectPair(loop: Loop, client: number, target: InetAddress): void {
  const fds = [client]
  try {
    const server = inetSocket({ kind: 'tcp', family: 4, nonBlocking: true })
    fds.push(server)
    connectInet(server, target)
    const up = makeFlow(client, server)
    fds.push(...up.pipe)
    const down = makeFlow(server, client)
    fds.push(...down.pipe)
    new Connection(loop, { up, down, fds }).open()
  } catch (error) {
    for (const fd of fds) closeSync(fd)
    if (!isErrno(error, 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL')) throw error
  }
}

/** One direction: source to pipe to sink. */
interface Flow {
  readonly from: number
  readonly to: number
  readonly pipe: readonly [number, number]
  /** Bytes in the pipe. */
  buffered: number
  ended: boolean
  /** The sink has been told of the end. */
  done: boolean
}

function makeFlow(from: number, to: number): Flow {
  return { from, to, pipe: pipe(), buffered: 0, ended: false, done: false }
}

interface ConnectionParts {
  readonly up: Flow
  readonly down: Flow
  readonly fds: readonly number[]
}

class Connection {
  readonly #loop: Loop
  readonly #parts: ConnectionParts
  readonly #sources: readonly Source[]
  #connected = false
  #closed = false

  constructor(loop: Loop, parts: ConnectionParts) {
    this.#loop = loop
    this.#parts = parts
    const { up, down } = parts
    this.#sources = [
      { fd: up.from, events: () => this.#events(up, down), ready: () => this.#ready() },
      { fd: up.to, events: () => this.#events(down, up), ready: () => this.#ready() },
    ]
  }

  open(): void {
    for (const source of this.#sources) this.#loop.add(source)
  }

  /** What the socket that `reads` starts from and `writes` ends at waits for. */
  #events(reads: Flow, writes: Flow): number {
    if (!this.#connected) return reads === this.#parts.down ? POLL.out : 0
    const read = !reads.ended && reads.buffered === 0 ? POLL.in : 0
    const write = writes.buffered > 0 ? POLL.out : 0
    return read | write
  }

  #ready(): void {
    const { up, down } = this.#parts
    try {
      if (!this.#connected) {
        this.#connected = takeSocketError(up.to) === 0
        if (!this.#connected) {
          this.#close()
          return
        }
      }
      pump(up)
      pump(down)
      if (up.done && down.done) this.#close()
    } catch (error) {
      // Reset, broken pipe, unreachable: the connection is over, and no other one.
      if (!(error instanceof SyscallError) || isErrno(error, 'EBADF', 'EFAULT')) throw error
      this.#close()
    }
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const source of this.#sources) this.#loop.remove(source)
    for (const fd of this.#parts.fds) closeSync(fd)
  }
}

function pump(flow: Flow): void {
  for (let count = 0; count < BATCH && !flow.done; count++) {
    if (flow.buffered === 0 && !flow.ended) {
      const taken = spliceNonBlocking(flow.from, flow.pipe[1], CHUNK)
      if (taken === undefined) return
      flow.buffered = taken
      flow.ended = taken === 0
    }
    if (flow.buffered > 0) {
      const given = spliceNonBlocking(flow.pipe[0], flow.to, flow.buffered)
      if (given === undefined) return
      flow.buffered -= given
    } else {
      shutdownWrite(flow.to)
      flow.done = true
    }
  }
}
