import { closeSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import { SyscallError } from '../../syscall/error.ts'
import { POLL } from '../../syscall/poll.ts'
import {
  connectInet,
  type InetAddress,
  inetSocket,
  receiveDatagram,
  sendDatagram,
} from '../../syscall/socket.ts'
import type { Loop, Source } from './loop.ts'

export interface UdpForward {
  /** A bound, non-blocking socket of the host. */
  readonly listenFd: number
  /** In the container. */
  readonly target: InetAddress
}

interface Client {
  readonly source: Source
  lastUsed: number
}

const IDLE_MS = 60_000
const MAX_CLIENTS = 512
/** Datagrams of one socket before the others have their turn. */
const BATCH = 64
const MAX_DATAGRAM = 65_535

/**
 * Gives every client of the host's port a socket of its own in the container's network.
 * @returns forgets the clients that were idle for a minute
 */
export function forwardUdp(loop: Loop, { listenFd, target }: UdpForward): () => void {
  const clients = new Map<string, Client>()
  const buffer = Buffer.alloc(MAX_DATAGRAM)

  const forget = (key: string, client: Client) => {
    clients.delete(key)
    loop.remove(client.source)
    closeSync(client.source.fd)
  }
  const clientOf = (from: InetAddress): Client => {
    const key = `${from.address.join('.')}:${from.port}`
    const known = clients.get(key)
    if (known) return known
    const oldest = clients.size >= MAX_CLIENTS ? clients.entries().next().value : undefined
    if (oldest) forget(...oldest)
    const fd = inetSocket({ kind: 'udp', family: 4, nonBlocking: true })
    connectInet(fd, target)
    const client: Client = { source: relay(fd, listenFd, { buffer, to: () => from }), lastUsed: 0 }
    clients.set(key, client)
    loop.add(client.source)
    return client
  }

  loop.add({
    fd: listenFd,
    events: () => POLL.in,
    ready() {
      for (let count = 0; count < BATCH; count++) {
        const datagram = tolerate(() => receiveDatagram(listenFd, buffer))
        if (!datagram) return
        const client = tolerate(() => clientOf(datagram.from))
        if (!client) continue
        client.lastUsed = Date.now()
        tolerate(() => sendDatagram(client.source.fd, buffer.subarray(0, datagram.length)))
      }
    },
  })
  return () => {
    for (const [key, client] of clients) if (Date.now() - client.lastUsed > IDLE_MS) forget(key, client)
  }
}

interface Answer {
  readonly buffer: Buffer
  to(): InetAddress
}

/** Answers from the container go back to the client, from the port that it asked. */
function relay(fd: number, listenFd: number, { buffer, to }: Answer): Source {
  return {
    fd,
    events: () => POLL.in,
    ready() {
      for (let count = 0; count < BATCH; count++) {
        const datagram = tolerate(() => receiveDatagram(fd, buffer))
        if (!datagram) return
        tolerate(() => sendDatagram(listenFd, buffer.subarray(0, datagram.length), to()))
      }
    },
  }
}

/** Datagrams may be lost: nobody listens, buffers are full, there are too many open files. A closed fd is a fault of ours. */
function tolerate<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof SyscallError) || isErrno(error, 'EBADF', 'EFAULT', 'EINVAL')) throw error
    return undefined
  }
}
