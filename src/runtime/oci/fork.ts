import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { BryoError } from '../../base/errors.ts'
import { SIGKILL } from '../../base/signals.ts'
import { messageSocketPair, pollReadable } from '../../syscall/fd.ts'
import {
  exitCodeOfStatus,
  forkChild,
  killIfAlive,
  setChildSubreaper,
  type WaitStatus,
  waitForExit,
} from '../../syscall/process.ts'
import { type StageFailure, stageError } from '../messages.ts'
import { type OciStageMessage, receiveOciStageMessage } from './messages.ts'
import { ENTER_NAMESPACES, type OciEntry, runOciStage1 } from './stage/stage1.ts'

/** How long a forked child may take for its first word. */
const FIRST_MESSAGE_MS = 10_000

export interface ForkRequest extends Omit<OciEntry, 'main'> {
  /** Runs in the namespaces; never returns. Says nothing before it is spoken to, so that its pid is the first word. */
  readonly main: (controlFd: number) => never
}

/** A process in the namespaces of its plan: a child of this one. */
export interface ForkedProcess {
  readonly pid: number
  readonly controlFd: number
}

/** The kernel refused to make or join the namespaces; why it did is for the caller to find out. */
export class NamespaceRefusal extends BryoError {
  readonly errno: number

  constructor(message: string, errno: number) {
    super('USERNS_DENIED', message)
    this.errno = errno
  }
}

/**
 * Forks a process into namespaces.
 * @throws NamespaceRefusal, BryoError; nothing is left running then
 */
export function forkIntoNamespaces(request: ForkRequest): ForkedProcess {
  setChildSubreaper()
  // A child that was caught in a lock of the engine says nothing, and has done nothing: another one takes its place.
  const forked = tryFork(request) ?? tryFork(request)
  if (forked) return forked
  throw new BryoError('RUNTIME', 'cannot create the container: its forked process stays silent')
}

function tryFork({ main, ...entry }: ForkRequest): ForkedProcess | undefined {
  const [controlFd, childFd] = messageSocketPair()
  const stage1 = forkChild(() => {
    return runOciStage1({ ...entry, main: () => main(childFd) }, childFd)
  })
  closeSync(childFd)
  const heard = pollReadable(controlFd, FIRST_MESSAGE_MS)
  if (!heard) killIfAlive(stage1, SIGKILL)
  const message = heard ? receiveOciStageMessage(controlFd) : undefined
  const status = waitForExit(stage1)
  if (message?.kind === 'init-forked') return { pid: message.pid, controlFd }
  closeSync(controlFd)
  if (heard) throw forkFailure(message, status)
  return undefined
}

function forkFailure(message: OciStageMessage | undefined, status: WaitStatus): BryoError {
  if (message?.kind !== 'failed')
    return new BryoError(
      'RUNTIME',
      `cannot create the container: its process has ended, with exit code ${exitCodeOfStatus(status)}`,
    )
  return refusal(message) ?? stageError(message)
}

function refusal(failure: StageFailure): NamespaceRefusal | undefined {
  const errno = Object.entries(constants.errno).find(([name]) => name === failure.errno)?.[1]
  if (failure.step !== ENTER_NAMESPACES || errno === undefined) return undefined
  return new NamespaceRefusal(stageError(failure).message, errno)
}

/** Ends a process that {@link forkIntoNamespaces} gave. */
export function endForked({ pid, controlFd }: ForkedProcess): void {
  closeSync(controlFd)
  killIfAlive(pid, SIGKILL)
  waitForExit(pid)
}
