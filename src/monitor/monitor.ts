import { closeSync } from 'node:fs'
import { isErrno } from '../base/errors.ts'
import { nowNs } from '../base/logTime.ts'
import { STOP_NOTICE } from '../base/monitorConfig.ts'
import { setNonBlocking } from '../syscall/fd.ts'
import { POLL } from '../syscall/poll.ts'
import { pidfdOpen, type WaitStatus, waitpid } from '../syscall/process.ts'
import { openSignalFd, takeSignal } from '../syscall/signal.ts'
import { setWindowSize } from '../syscall/tty.ts'
import { type Clients, serveClients } from './clients.ts'
import type { LogSink } from './log/sink.ts'
import { type Outlet, openOutlet, openSource } from './outlet.ts'
import { type ExitNotice, PACKET } from './protocol.ts'
import { createReactor, type Reactor, type Watcher } from './reactor.ts'
import { superviseWorkload, type WorkloadRequest } from './workload.ts'

/** Descriptors that the monitor has been given; each is its own alone. */
export interface MonitorFds {
  /** Listening socket of the clients. */
  readonly attach: number
  /** Master end of the container's terminal; the others are absent then. */
  readonly terminal?: number
  /** Write end; absent where the container reads nothing. */
  readonly stdin?: number
  readonly stdout?: number
  readonly stderr?: number
}

export interface MonitorRequest extends WorkloadRequest {
  readonly fds: MonitorFds
  readonly log: LogSink
  /** No output is read before somebody is attached: the caller of `run` has asked to see all of it. */
  readonly awaitClient: boolean
  /** What else is served from the beginning: notifications. */
  readonly onServe?: (reactor: Reactor) => void
  /** The container's first process has ended; called before the last of its output is waited for. */
  readonly onExit?: () => void
  /** The container has ended and its log is written; called before clients are told. */
  readonly onEnd: (status: WaitStatus) => ExitNotice
}

const SIGNALS = { hangup: 1, interrupt: 2, quit: 3, pipe: 13, terminate: 15, child: 17 } as const
/** A client that does not come holds up nobody for longer. */
const AWAIT_CLIENT_MS = 5000
/** How long the last output is waited for where somebody outside of the container holds the pipe. */
const DRAIN_MS = 1000
/** How long an attached client may take to read the last of it. */
const FAREWELL_MS = 10_000

/** Serves a container until its end. */
export function monitorContainer(request: MonitorRequest): void {
  const reactor = createReactor()
  const ends = new Map<number, (status: WaitStatus) => void>()
  const workload = superviseWorkload(reactor, request, { onEnd: (pid, call) => ends.set(pid, call) })
  const output = serveOutput(reactor, request, workload.start)
  request.onServe?.(reactor)
  const end = (status: WaitStatus) => {
    workload.end()
    request.onExit?.()
    output.drain(() => {
      request.log.close()
      output.clients.finish(request.onEnd(status), FAREWELL_MS, () => reactor.stop())
    })
  }
  const { hangup, interrupt, quit, pipe, terminate, child } = SIGNALS
  const signalFd = openSignalFd([hangup, interrupt, quit, pipe, terminate, child, STOP_NOTICE])
  const reap = () => {
    const status = reapUntil(request.initPid, ends)
    if (status) end(status)
  }
  reactor.watch(signalFd, POLL.in, () => {
    for (let signal = takeSignal(signalFd); signal !== undefined; signal = takeSignal(signalFd)) {
      if (signal === child) reap()
      if (signal === terminate || signal === STOP_NOTICE) workload.stop()
    }
  })
  // The signal may go to a thread of the engine's, where there is one.
  const init = reactor.watch(pidfdOpen(request.initPid), POLL.in, () => {
    init.remove()
    reap()
  })
  reactor.run()
  closeSync(signalFd)
}

/** Reaps whatever has ended; gives the end of init once it is among that. */
function reapUntil(initPid: number, ends: Map<number, (status: WaitStatus) => void>): WaitStatus | undefined {
  for (;;) {
    const status = reapAny()
    if (!status || status.pid === initPid) return status
    const call = ends.get(status.pid)
    ends.delete(status.pid)
    call?.(status)
  }
}

function reapAny(): WaitStatus | undefined {
  try {
    return waitpid(-1, { noHang: true })
  } catch (error) {
    if (isErrno(error, 'ECHILD')) return undefined
    throw error
  }
}

interface ServedOutput {
  readonly clients: Clients
  /** Reads what is left in the pipes, and calls then. */
  drain(done: () => void): void
}

function serveOutput(
  reactor: Reactor,
  { fds, log, awaitClient }: MonitorRequest,
  onStart: () => boolean,
): ServedOutput {
  const sources = new Set<Watcher>()
  let awaiting = awaitClient
  let behind = false
  let draining: (() => void) | undefined
  // The end of a container is not held up by a client that does not read.
  const listen = () => {
    for (const source of sources) source.events = awaiting || (behind && !draining) ? 0 : POLL.in
  }
  let onArrival = () => {}
  const arrive = () => {
    awaiting = false
    listen()
    onArrival()
  }
  const input = serveInput(reactor, fds, (on) => clients.acceptInput(on))
  const clients = serveClients(reactor, fds.attach, {
    ...input,
    onHello: arrive,
    onStart,
    onDrained: () => {
      behind = false
      listen()
    },
    onResize: (size) => fds.terminal !== undefined && setWindowSize(fds.terminal, size),
  })
  const follow = (fd: number | undefined, stream: 'stdout' | 'stderr') => {
    if (fd === undefined) return
    const source = openSource(reactor, fd, {
      onData: (data) => {
        log.write(stream, data, nowNs())
        if (clients.send(PACKET[stream], data)) return
        behind = true
        listen()
      },
      onEnd: () => {
        sources.delete(source)
        if (sources.size === 0) draining?.()
      },
    })
    sources.add(source)
  }
  follow(fds.terminal, 'stdout')
  follow(fds.stdout, 'stdout')
  follow(fds.stderr, 'stderr')
  listen()
  if (awaitClient) reactor.after(AWAIT_CLIENT_MS, arrive)
  const drain = (done: () => void) => {
    let called = false
    const finish = () => {
      if (called) return
      called = true
      done()
    }
    draining = finish
    listen()
    reactor.after(DRAIN_MS, finish)
    if (sources.size === 0) finish()
  }
  return {
    clients,
    drain: (done) => {
      if (!awaiting) drain(done)
      else onArrival = () => drain(done)
    },
  }
}

const END_OF_FILE = Uint8Array.of(4)

interface Input {
  readonly onInput: (data: Uint8Array) => void
  readonly onInputEnd: () => void
}

/** Standard input of the container, from whoever is attached. `accept` says whether there is room for more. */
function serveInput(reactor: Reactor, fds: MonitorFds, accept: (on: boolean) => void): Input {
  const fd = fds.terminal ?? fds.stdin
  if (fd === undefined) return { onInput: () => {}, onInputEnd: () => {} }
  setNonBlocking(fd)
  const outlet: Outlet = openOutlet(reactor, fd)
  let closed = false
  return {
    onInput: (data) => {
      if (closed) return
      outlet.write(data)
      if (outlet.idle || outlet.gone) return
      accept(false)
      outlet.whenIdle(() => accept(true))
    },
    onInputEnd: () => {
      if (closed) return
      if (fds.terminal !== undefined) {
        outlet.write(END_OF_FILE)
        return
      }
      closed = true
      outlet.whenIdle(() => closeSync(fd))
    },
  }
}
