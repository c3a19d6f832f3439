import { constants } from 'node:os'
import { ownFd } from '../syscall/fd.ts'
import { POLL, pollMany } from '../syscall/poll.ts'
import { hasOneThread, killIfAlive, pidfdOpen, type WaitStatus, waitpid } from '../syscall/process.ts'
import { openSignalFd, takeSignal } from '../syscall/signal.ts'

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

/** Signals of this process, on their way to a container. */
export interface SignalProxy {
  /** Where they wait to be passed on, for a process that stands still; undefined where the event loop brings them. */
  readonly pendingFd: number | undefined
  /** From now on, with those that have come already. */
  forwardTo(pid: number): void
  /** The pid may be somebody else's soon. Signals stay caught, so that a second one does not break off the clean-up. */
  stop(): void
}

/** Catches the signals that are forwarded: before the workload runs, so that none ends this process instead. */
export function catchSignals(): SignalProxy {
  return hasOneThread() ? holdSignals() : handleSignals()
}

/** Blocked signals, read from an fd: in a process of several threads another one would get them. */
function holdSignals(): SignalProxy {
  const pendingFd = openSignalFd(forwardedSignals())
  return {
    pendingFd,
    forwardTo: (pid) => {
      for (let signal = takeSignal(pendingFd); signal !== undefined; signal = takeSignal(pendingFd)) {
        killIfAlive(pid, signal)
      }
    },
    stop: () => {},
  }
}

function handleSignals(): SignalProxy {
  let target: number | undefined
  let stopped = false
  const early: number[] = []
  for (const [name, number] of namedSignals()) {
    process.on(name, () => {
      if (stopped) return
      if (target === undefined) early.push(number)
      else killIfAlive(target, number)
    })
  }
  return {
    pendingFd: undefined,
    forwardTo: (pid) => {
      target = pid
      for (const number of early.splice(0)) killIfAlive(pid, number)
    },
    stop: () => {
      stopped = true
    },
  }
}

/** Numbers of the signals that a client passes on. */
export function forwardedSignals(): readonly number[] {
  return namedSignals().map(([, number]) => number)
}

function namedSignals(): readonly (readonly [NodeJS.Signals, number])[] {
  return Object.entries(constants.signals)
    .filter(([name]) => !NOT_FORWARDED.has(name))
    .map(([name, number]) => [name as NodeJS.Signals, number])
}

export interface SuperviseRequest {
  readonly pid: number
  /** Where signals of this process go to the container. */
  readonly signals: SignalProxy | undefined
}

/**
 * Waits for a child to end, passing signals on meanwhile.
 * @returns how the child ended
 */
export async function supervise(request: SuperviseRequest): Promise<WaitStatus> {
  const { signals } = request
  return signals && signals.pendingFd === undefined ? superviseInLoop(request) : standStill(request)
}

/** No event loop: the engine collects its whole heap when it first enters that. */
function standStill({ pid, signals }: SuperviseRequest): WaitStatus {
  using child = ownFd(pidfdOpen(pid))
  const fds = signals?.pendingFd === undefined ? [child.fd] : [child.fd, signals.pendingFd]
  const entries = fds.map((fd) => ({ fd, events: POLL.in }))
  for (;;) {
    const [ended] = pollMany(entries, -1)
    signals?.forwardTo(pid)
    const status = ended ? waitpid(pid, { noHang: true }) : undefined
    if (status) return status
  }
}

function superviseInLoop({ pid, signals }: SuperviseRequest): Promise<WaitStatus> {
  return new Promise((resolve) => {
    // Handlers alone do not keep an event loop alive.
    const keepAlive = setInterval(() => {}, 1 << 30)
    const reap = () => {
      const status = waitpid(pid, { noHang: true })
      if (!status) return
      signals?.stop()
      clearInterval(keepAlive)
      process.removeListener('SIGCHLD', reap)
      resolve(status)
    }
    process.on('SIGCHLD', reap)
    signals?.forwardTo(pid)
    // It may have ended before the handler was there.
    reap()
  })
}
