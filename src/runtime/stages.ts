import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { BryoError, isErrno } from '../base/errors.ts'
import { SIGKILL } from '../base/signals.ts'
import { SyscallError } from '../syscall/error.ts'
import { messageSocketPair, ownFd, pollReadable, receiveFd, sendFd } from '../syscall/fd.ts'
import { forkChild, killIfAlive, pidfdOpen, waitForExit } from '../syscall/process.ts'
import {
  type MonitorProgram,
  receiveStageMessage,
  type ShownNamespace,
  type StageFailure,
  type StageMessage,
  sendMessage,
  stageError,
} from './messages.ts'
import type { ForkPlan } from './plan.ts'
import { createPlanFile } from './planFile.ts'
import { cloneInit } from './stage/clonedInit.ts'
import type { StageFds } from './stage/init.ts'
import { runKeeper } from './stage/keeper.ts'
import { tooManyProcesses } from './stage/processLimit.ts'
import { NAMESPACE_STEP, runStage1 } from './stage/stage1.ts'

/** How long a forked child may take for its first word. */
const FIRST_MESSAGE_MS = 10_000

/** The processes of a container that were forked ahead, up to its init. */
export interface ForkedStages {
  readonly keeperPid: number | undefined
  /** Init, where this process has made it without a stage 1. */
  readonly clonedPid: number | undefined
  readonly controlFd: number
  readonly planFd: number
  /** Stage 1 has ended, or has to: blocks until it is gone, where it is a child of this process. */
  reapStage1(): void
  tellKeeper(message: Parameters<typeof sendMessage>[1]): void
  handOver(program: MonitorProgram, fds: readonly number[]): void
  /** Init ends where its socket does. */
  close(): void
  /** As close; and whatever is left of the stages is killed. */
  end(): void
}

export function forkStages(plan: ForkPlan): ForkedStages {
  const [controlFd, childFd] = messageSocketPair()
  const planFd = createPlanFile()
  const fds = { controlFd: childFd, planFd, stdio: plan.stdio }
  const runStage = () => runStage1(plan, fds)
  const child = plan.monitored
    ? forkKeeper(controlFd, plan, fds)
    : (cloneUnkept(controlFd, plan, fds) ?? forkUnkept(controlFd, runStage))
  closeSync(childFd)
  let open = true
  const close = () => {
    if (!open) return
    open = false
    closeSync(controlFd)
    closeSync(planFd)
  }
  const end = () => {
    close()
    child.end()
  }
  return { ...child, controlFd, planFd, close, end }
}

type ForkedChild = Omit<ForkedStages, 'controlFd' | 'planFd' | 'close'>

/** Init is made by this process itself; undefined where that needs a stage 1. */
function cloneUnkept(controlFd: number, plan: ForkPlan, fds: StageFds): ForkedChild | undefined {
  const pid = makeNamespaces(() => cloneInit(plan, fds, () => closeSync(controlFd)))
  if (pid === undefined) return undefined
  let awaited = false
  return {
    keeperPid: undefined,
    clonedPid: pid,
    reapStage1: () => {
      awaited = true
    },
    tellKeeper: () => {},
    handOver: () => {},
    end: () => {
      if (!awaited) endProcess(pid)
      awaited = true
    },
  }
}

/** @throws NamespaceFailure or BryoError RUNTIME, as a stage 1 would report it */
function makeNamespaces<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) throw tooManyProcesses(error)
    if (!(error instanceof SyscallError)) throw error
    if (error.syscall !== 'clone')
      throw new BryoError('RUNTIME', `cannot prepare the container: ${error.message}`, { cause: error })
    throw new NamespaceFailure(`cannot ${NAMESPACE_STEP}: ${error.message}`, error.errno)
  }
}

/** Stage 1 is this process's child, and init will be. */
function forkUnkept(controlFd: number, runStage: () => number): ForkedChild {
  const pid = forkChild(() => {
    closeSync(controlFd)
    return runStage()
  })
  let reaped = false
  return {
    keeperPid: undefined,
    clonedPid: undefined,
    reapStage1: () => {
      waitForExit(pid)
      reaped = true
    },
    tellKeeper: () => {},
    handOver: () => {},
    end: () => {
      if (!reaped) endProcess(pid)
      reaped = true
    },
  }
}

/** Init is the keeper's child, or will be. */
function forkKeeper(controlFd: number, plan: ForkPlan, fds: StageFds): ForkedChild {
  const [masterFd, keeperFd] = messageSocketPair()
  const pid = forkChild(() => {
    closeSync(controlFd)
    closeSync(masterFd)
    return runKeeper(keeperFd, plan, fds)
  })
  closeSync(keeperFd)
  let open = true
  const close = () => {
    if (open) closeSync(masterFd)
    open = false
  }
  return {
    keeperPid: pid,
    clonedPid: undefined,
    reapStage1: () => {},
    tellKeeper: (message) => sendMessage(masterFd, message),
    handOver: (program, fds) => {
      sendMessage(masterFd, { kind: 'become', program, fds: fds.length })
      for (const fd of fds) sendFd(masterFd, fd)
      close()
    },
    end: () => {
      if (!open) return
      close()
      // It kills init and ends; where it stays silent, so does stage 1, in its process group.
      if (!endsByItself(pid)) {
        killIfAlive(-pid, SIGKILL)
        endProcess(pid)
      }
    },
  }
}

const KEEPER_END_MS = 5000

function endsByItself(pid: number): boolean {
  using handle = ownFd(pidfdOpen(pid))
  if (!pollReadable(handle.fd, KEEPER_END_MS)) return false
  waitForExit(pid)
  return true
}

/** A forked child that was caught in a lock of the engine: it harms nobody, and one more is forked. */
export class SilentFork extends BryoError {}

/** The kernel refused to make the namespaces; why it did is for the caller to find out. */
export class NamespaceFailure extends BryoError {
  readonly errno: number

  constructor(message: string, errno: number) {
    super('USERNS_DENIED', message)
    this.errno = errno
  }
}

function namespaceFailure(failure: StageFailure): NamespaceFailure | undefined {
  const errno = Object.entries(constants.errno).find(([name]) => name === failure.errno)?.[1]
  if (failure.step !== NAMESPACE_STEP || errno === undefined) return undefined
  return new NamespaceFailure(stageError(failure).message, errno)
}

/** Init, once it is in its namespaces. */
export interface FoundInit {
  readonly pid: number
  /** It goes on. One that was cloned by a process without other threads does so for certain, and is not waited for. */
  readonly started: boolean
  /** Its new namespaces, where they cannot be found by its pid. */
  readonly shown: { readonly [T in ShownNamespace]?: number }
}

/** @throws NamespaceFailure, SilentFork, BryoError */
export function awaitInit(forked: ForkedStages): FoundInit {
  let pid = forked.clonedPid
  const shown: { [T in ShownNamespace]?: number } = {}
  let started = false
  while (pid === undefined) {
    const message = firstMessage(forked)
    if (message.kind === 'namespace') shown[message.type] = receiveFd(forked.controlFd)
    if (message.kind === 'init-started') started = true
    if (message.kind === 'init-forked') {
      pid = message.pid
      // A stage 1 speaks once it has forked; an init that was cloned speaks for itself.
      started ||= message.cloned !== true
    }
  }
  forked.reapStage1()
  return { pid, started, shown }
}

/** Waits for an init that was not seen to go on yet. @throws SilentFork, BryoError */
export function awaitStart(forked: ForkedStages): void {
  while (firstMessage(forked).kind !== 'init-started');
}

function firstMessage(forked: ForkedStages): StageMessage {
  const message = receiveFirst(forked.controlFd)
  if (message === undefined)
    throw new SilentFork('RUNTIME', 'cannot create the container: its forked process stays silent')
  if (message.kind !== 'failed') return message
  forked.reapStage1()
  throw namespaceFailure(message) ?? stageError(message)
}

/** What the first forked child says; undefined where it stays silent. */
export function receiveFirst(controlFd: number): StageMessage | undefined {
  return pollReadable(controlFd, FIRST_MESSAGE_MS) ? receiveStageMessage(controlFd) : undefined
}

/** Kills a child and reaps it. */
export function endProcess(pid: number): void {
  killIfAlive(pid, SIGKILL)
  waitForExit(pid)
}
