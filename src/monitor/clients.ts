import { closeSync } from 'node:fs'
import { POLL } from '../syscall/poll.ts'
import { acceptNonBlocking } from '../syscall/socket.ts'
import { type Outlet, openOutlet, openSource, READ_PACKET_BYTES } from './outlet.ts'
import {
  type ExitNotice,
  type Hello,
  jsonPacket,
  MAX_PACKET_DATA,
  PACKET,
  packet,
  parseHello,
  parseResize,
} from './protocol.ts'
import type { Reactor, Watcher } from './reactor.ts'

export interface ClientHandlers {
  /** Bytes for standard input. */
  readonly onInput: (data: Uint8Array) => void
  readonly onInputEnd: () => void
  readonly onResize: (size: { readonly rows: number; readonly columns: number }) => void
  /** A client has said what it wants. */
  readonly onHello: () => void
  /** A client wants the workload to run; gives whether it does. */
  readonly onStart: () => boolean
  /** All clients have taken what they were sent, after {@link Clients.send} said that one had not. */
  readonly onDrained: () => void
}

/** Those who are attached to a container, or wait for its end. */
export interface Clients {
  /** False while somebody who is attached has not taken all of it yet. */
  send(kind: typeof PACKET.stdout | typeof PACKET.stderr, data: Uint8Array): boolean
  /** Standard input is taken, or not for now. */
  acceptInput(on: boolean): void
  /** Tells everybody how it ended, and calls when they have it or the time is over. */
  finish(notice: ExitNotice, timeoutMs: number, done: () => void): void
}

interface Client {
  readonly fd: number
  readonly outlet: Outlet
  hello: Hello | undefined
  source: Watcher
}

/** @param listenFd as listenUnixMessages() gives it */
export function serveClients(reactor: Reactor, listenFd: number, handlers: ClientHandlers): Clients {
  const clients = new Set<Client>()
  let inputOn = true
  const drop = (client: Client) => {
    if (!clients.delete(client)) return
    client.source.remove()
    client.outlet.abandon()
    closeSync(client.fd)
  }
  // Who sends input rests while the container takes none, but not beyond its own end.
  const listen = (client: Client) => {
    client.source.events = inputOn || !client.hello?.input ? POLL.in : POLL.readHangup
  }
  const receive = (client: Client, kind: number | undefined, data: Uint8Array) => {
    if (kind === PACKET.hello) {
      client.hello = parseHello(data)
      listen(client)
      handlers.onHello()
    } else if (kind === PACKET.start) {
      if (handlers.onStart()) client.outlet.write(packet(PACKET.started))
    } else if (kind === PACKET.input && client.hello?.input) handlers.onInput(data)
    else if (kind === PACKET.inputEnd && client.hello?.input) handlers.onInputEnd()
    else if (kind === PACKET.resize) {
      const size = parseResize(data)
      if (size) handlers.onResize(size)
    }
  }
  reactor.watch(listenFd, POLL.in, () => {
    const fd = acceptNonBlocking(listenFd)
    if (fd === undefined) return
    const client: Client = {
      fd,
      outlet: openOutlet(reactor, fd),
      hello: undefined,
      source: openSource(
        reactor,
        fd,
        { onData: (data) => receive(client, data[0], data.subarray(1)), onEnd: () => drop(client) },
        READ_PACKET_BYTES,
      ),
    }
    clients.add(client)
  })
  const attached = () => [...clients].filter((client) => client.hello?.output)
  return {
    send: (kind, data) => {
      const receivers = attached()
      for (let at = 0; at < data.byteLength; at += MAX_PACKET_DATA) {
        const bytes = packet(kind, data.subarray(at, at + MAX_PACKET_DATA))
        for (const { outlet } of receivers) outlet.write(bytes)
      }
      const behind = receivers.filter(({ outlet }) => !outlet.idle)
      for (const { outlet } of behind) {
        outlet.whenIdle(() => {
          if (attached().every((client) => client.outlet.idle)) handlers.onDrained()
        })
      }
      return behind.length === 0
    },
    acceptInput: (on) => {
      inputOn = on
      for (const client of clients) listen(client)
    },
    finish: (notice, timeoutMs, done) => {
      const bytes = jsonPacket(PACKET.exit, notice)
      const waiting = new Set(clients)
      let finished = false
      const finish = () => {
        if (finished) return
        finished = true
        done()
      }
      reactor.after(timeoutMs, finish)
      for (const client of [...waiting]) {
        client.outlet.write(bytes)
        client.outlet.whenIdle(() => {
          waiting.delete(client)
          if (waiting.size === 0) finish()
        })
      }
      if (waiting.size === 0) finish()
    },
  }
}
