import { closeSync } from 'node:fs'
import { setNonBlocking } from '../syscall/fd.ts'
import { POLL } from '../syscall/poll.ts'
import { exitCodeOfStatus, pidfdOpen, waitpid } from '../syscall/process.ts'
import { setWindowSize } from '../syscall/tty.ts'
import type { MonitorFds } from './monitor.ts'
import { type Outlet, openOutlet, openSource, readOrEnd } from './outlet.ts'
import { jsonPacket, MAX_PACKET_DATA, PACKET, packet, parseExit, resizePacket } from './protocol.ts'
import { createReactor, type Reactor } from './reactor.ts'
import { openStdio, type Stdio, type StdioHandlers, type StdioOptions } from './stdio.ts'

export type RelayEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** The caller typed the detach keys. */
  | { readonly kind: 'detached' }
  /** A signal that is not passed on, or SIGPIPE where nobody reads the output any more. */
  | { readonly kind: 'signal'; readonly signal: number }
  /** The monitor is gone without a word. */
  | { readonly kind: 'lost' }

export type OutputName = 'stdout' | 'stderr'

export interface RelayOptions extends StdioOptions {
  /** Of a monitor's client: output that is dropped. */
  readonly silent?: readonly OutputName[]
  /** Called with each signal; false ends the relay with it. */
  readonly forwardSignal: (signal: number) => boolean
}

/** How long the last output is waited for where something that the child left behind holds the pipe. */
const DRAIN_MS = 200

/** Attaches this process's stdio to a container over its monitor's socket, until it ends or the caller detaches. */
export function relayMonitor(socketFd: number, options: RelayOptions): RelayEnd {
  const relay = beginRelay()
  const { reactor } = relay
  setNonBlocking(socketFd)
  const socket = openOutlet(reactor, socketFd)
  socket.write(jsonPacket(PACKET.hello, { input: options.interactive, output: true }))
  const send = (bytes: Uint8Array) => {
    socket.write(bytes)
    if (socket.idle || socket.gone) return
    stdio.acceptInput(false)
    socket.whenIdle(() => stdio.acceptInput(true))
  }
  using stdio = openStdio(reactor, options, {
    ...relay.handlers(options),
    onInput: (data) => {
      for (let at = 0; at < data.byteLength; at += MAX_PACKET_DATA) {
        send(packet(PACKET.input, data.subarray(at, at + MAX_PACKET_DATA)))
      }
    },
    onInputEnd: () => send(packet(PACKET.inputEnd)),
    onResize: (size) => send(resizePacket(size)),
  })
  const buffer = new Uint8Array(MAX_PACKET_DATA + 1)
  let pause = () => {}
  const watcher = reactor.watch(socketFd, POLL.in, () => {
    const length = readOrEnd(socketFd, buffer)
    if (length === undefined) return
    const data = buffer.subarray(1, length)
    if (length === 0) relay.end({ kind: 'lost' })
    else if (buffer[0] === PACKET.exit) flush(stdio, () => relay.end({ kind: 'exited', ...parseExit(data) }))
    else {
      const name = buffer[0] === PACKET.stderr ? 'stderr' : 'stdout'
      if (!options.silent?.includes(name)) pass(stdio[name], data, pause, () => resume())
    }
  })
  const resume = () => {
    watcher.events = POLL.in
  }
  pause = () => {
    watcher.events = 0
  }
  return relay.run()
}

/** Serves the stdio of a child from this process's own, until it ends or the caller detaches. @param fds each this process's alone */
export function relayChild(pid: number, fds: Omit<MonitorFds, 'attach'>, options: RelayOptions): RelayEnd {
  const relay = beginRelay()
  const { reactor } = relay
  const inputFd = fds.terminal ?? fds.stdin
  if (inputFd !== undefined) setNonBlocking(inputFd)
  const input = inputFd === undefined ? undefined : openOutlet(reactor, inputFd)
  const open = new Set<number>()
  let exitCode: number | undefined
  const reap = () => {
    const status = exitCode === undefined ? waitpid(pid, { noHang: true }) : undefined
    if (status) {
      exitCode = exitCodeOfStatus(status)
      reactor.after(DRAIN_MS, () => {
        open.clear()
        endWhenDone()
      })
    }
    endWhenDone()
  }
  const endWhenDone = () => {
    const code = exitCode
    if (code !== undefined && open.size === 0)
      flush(stdio, () => relay.end({ kind: 'exited', exitCode: code }))
  }
  using stdio = openStdio(reactor, options, {
    ...relay.handlers(options),
    onInput: (data) => {
      input?.write(data)
      if (!input || input.idle || input.gone) return
      stdio.acceptInput(false)
      input.whenIdle(() => stdio.acceptInput(true))
    },
    onInputEnd: () => endInput(input, fds),
    onResize: (size) => fds.terminal !== undefined && setWindowSize(fds.terminal, size),
  })
  const follow = (fd: number | undefined, outlet: Outlet) => {
    if (fd === undefined) return
    open.add(fd)
    const source = openSource(reactor, fd, {
      onData: (data) => {
        pass(
          outlet,
          data,
          () => {
            source.events = 0
          },
          () => {
            source.events = POLL.in
          },
        )
      },
      onEnd: () => {
        open.delete(fd)
        endWhenDone()
      },
    })
  }
  follow(fds.terminal, stdio.stdout)
  follow(fds.stdout, stdio.stdout)
  follow(fds.stderr, stdio.stderr)
  const child = reactor.watch(pidfdOpen(pid), POLL.in, () => {
    child.remove()
    reap()
  })
  return relay.run()
}

const END_OF_FILE = Uint8Array.of(4)

/** The end of a piped input reaches a terminal as its end-of-file character. */
function endInput(input: Outlet | undefined, { terminal, stdin }: Omit<MonitorFds, 'attach'>): void {
  if (terminal !== undefined) input?.write(END_OF_FILE)
  else if (stdin !== undefined) input?.whenIdle(() => closeSync(stdin))
}

function pass(outlet: Outlet, data: Uint8Array, pause: () => void, resume: () => void): void {
  outlet.write(data)
  if (outlet.idle || outlet.gone) return
  pause()
  outlet.whenIdle(resume)
}

function flush({ stdout, stderr }: Stdio, done: () => void): void {
  stdout.whenIdle(() => stderr.whenIdle(done))
}

const SIGPIPE = 13

interface Relay {
  readonly reactor: Reactor
  handlers(options: RelayOptions): Pick<StdioHandlers, 'onSignal' | 'onDetach' | 'onBrokenPipe'>
  end(end: RelayEnd): void
  run(): RelayEnd
}

function beginRelay(): Relay {
  const reactor = createReactor()
  let result: RelayEnd = { kind: 'lost' }
  const end = (value: RelayEnd) => {
    result = value
    reactor.stop()
  }
  return {
    reactor,
    end,
    handlers: ({ forwardSignal }) => ({
      onSignal: (signal) => {
        if (!forwardSignal(signal)) end({ kind: 'signal', signal })
      },
      onDetach: () => end({ kind: 'detached' }),
      // As any program in a pipeline ends.
      onBrokenPipe: () => end({ kind: 'signal', signal: SIGPIPE }),
    }),
    run: () => {
      reactor.run()
      return result
    },
  }
}
