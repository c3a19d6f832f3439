import { POLL } from '../syscall/poll.ts'
import { openSignalFd, takeSignal } from '../syscall/signal.ts'
import { getWindowSize, isTerminal, makeRaw, restoreTerminal, type WindowSize } from '../syscall/tty.ts'
import { createDetachFilter } from './detach.ts'
import { BLOCKING_CHUNK_BYTES, type Outlet, openOutlet, openSource } from './outlet.ts'
import type { Reactor, Watcher } from './reactor.ts'

export interface StdioOptions {
  /** Standard input is passed on. */
  readonly interactive: boolean
  /** The other side has a terminal: the caller's own one goes into raw mode, and its size is passed on. */
  readonly terminal: boolean
  /** Bytes that, typed one after the other, detach; empty for none. */
  readonly detachKeys: Uint8Array
  /** Signals that are handed to `onSignal`. */
  readonly signals: readonly number[]
}

export interface StdioHandlers {
  readonly onInput: (data: Uint8Array) => void
  readonly onInputEnd: () => void
  readonly onResize: (size: WindowSize) => void
  readonly onSignal: (signal: number) => void
  readonly onDetach: () => void
  /** Whoever read the output does not any more; by default what comes is dropped. */
  readonly onBrokenPipe?: () => void
}

/** The caller's own standard input, output and error. */
export interface Stdio extends Disposable {
  readonly stdout: Outlet
  readonly stderr: Outlet
  /** Input is read, or not for now. */
  acceptInput(on: boolean): void
}

const SIGWINCH = 28

/** Takes over this process's stdio and signals; ending the scope gives the terminal back as it was. */
export function openStdio(reactor: Reactor, options: StdioOptions, handlers: StdioHandlers): Stdio {
  const { interactive, terminal, detachKeys, signals } = options
  const settings = terminal && interactive && isTerminal(0) ? makeRaw(0) : undefined
  const restore = () => settings && restoreTerminal(0, settings)
  const passResize = () => {
    const source = terminal ? [1, 0].find(isTerminal) : undefined
    if (source !== undefined) handlers.onResize(getWindowSize(source))
  }
  const signalFd = openSignalFd(terminal ? [...signals, SIGWINCH] : signals)
  reactor.watch(signalFd, POLL.in, () => {
    for (let signal = takeSignal(signalFd); signal !== undefined; signal = takeSignal(signalFd)) {
      if (signal === SIGWINCH) passResize()
      else handlers.onSignal(signal)
    }
  })
  const filter = createDetachFilter(detachKeys)
  const input: Watcher | undefined = interactive
    ? openSource(reactor, 0, {
        onData: (data) => {
          const { pass, detached } = filter(data)
          if (pass.byteLength > 0) handlers.onInput(pass)
          if (detached) handlers.onDetach()
        },
        onEnd: handlers.onInputEnd,
      })
    : undefined
  passResize()
  const outlet = {
    chunkBytes: BLOCKING_CHUNK_BYTES,
    ...(handlers.onBrokenPipe && { onBrokenPipe: handlers.onBrokenPipe }),
  }
  return {
    stdout: openOutlet(reactor, 1, outlet),
    stderr: openOutlet(reactor, 2, outlet),
    acceptInput: (on) => {
      if (input) input.events = on ? POLL.in : 0
    },
    [Symbol.dispose]: () => {
      restore()
    },
  }
}
