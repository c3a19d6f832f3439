import { constants } from 'node:os'
import { killIfAlive, type WaitStatus, waitpid } from '../syscall/process.ts'

/** Signals that are not passed on: they concern this process alone, or cannot be caught. */
const NOT_FORWARDED: ReadonlySet<string> = new Set([
  'SIGCHLD',
  'SIGKILL',
  'SIGSTOP',
  'SIGPIPE',
  'SIGURG',
  'SIGPROF',
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGTRAP',
  'SIGABRT',
  'SIGSYS',
  'SIGWINCH',
  'SIGVTALRM',
  'SIGPOLL',
  'SIGIO',
  'SIGSTKFLT',
  'SIGUNUSED',
  'SIGIOT',
  'SIGTTIN',
  'SIGTTOU',
  'SIGTSTP',
])

export interface SuperviseRequest {
  readonly pid: number
  /** Pass signals of this process on to the container. */
  readonly forwardSignals: boolean
  /** Called for each change of the terminal's size. */
  readonly onWindowChange?: () => void
}

/**
 * Waits for a child to end, passing signals on meanwhile. The event loop runs, so that a terminal can be served too.
 * @returns how the child ended
 */
export function supervise(request: SuperviseRequest): Promise<WaitStatus> {
  return new Promise((resolve) => {
    const listeners = new Map<NodeJS.Signals, () => void>()
    // Handlers alone do not keep an event loop alive.
    const keepAlive = setInterval(() => {}, 1 << 30)
    const reap = () => {
      const status = waitpid(request.pid, { noHang: true })
      if (!status) return
      clearInterval(keepAlive)
      for (const [signal, listener] of listeners) process.removeListener(signal, listener)
      resolve(status)
    }
    const listen = (signal: NodeJS.Signals, listener: () => void) => {
      listeners.set(signal, listener)
      process.on(signal, listener)
    }
    listen('SIGCHLD', reap)
    if (request.onWindowChange) listen('SIGWINCH', request.onWindowChange)
    if (request.forwardSignals) {
      for (const [signal, number] of forwardedSignals())
        listen(signal, () => killIfAlive(request.pid, number))
    }
    // It may have ended before the handler was there.
    reap()
  })
}

function forwardedSignals(): readonly (readonly [NodeJS.Signals, number])[] {
  return Object.entries(constants.signals)
    .filter(([name]) => !NOT_FORWARDED.has(name))
    .map(([name, number]) => [name as NodeJS.Signals, number])
}
