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
 * Forwarded signals stay caught afterwards, so that a second one does not break off the clean-up.
 * @returns how the child ended
 */
export function supervise(request: SuperviseRequest): Promise<WaitStatus> {
  return new Promise((resolve) => {
    let ended = false
    // Handlers alone do not keep an event loop alive.
    const keepAlive = setInterval(() => {}, 1 << 30)
    const reap = () => {
      if (ended) return
      const status = waitpid(request.pid, { noHang: true })
      if (!status) return
      ended = true
      clearInterval(keepAlive)
      process.removeListener('SIGCHLD', reap)
      if (request.onWindowChange) process.removeListener('SIGWINCH', request.onWindowChange)
      resolve(status)
    }
    // The pid is somebody else's once the child is reaped.
    const forward = (signal: number) => () => {
      if (!ended) killIfAlive(request.pid, signal)
    }
    process.on('SIGCHLD', reap)
    if (request.onWindowChange) process.on('SIGWINCH', request.onWindowChange)
    if (request.forwardSignals) {
      for (const [name, number] of forwardedSignals()) process.on(name, forward(number))
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
