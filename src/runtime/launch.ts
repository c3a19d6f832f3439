import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import { BryoError, isErrno } from '../base/errors.ts'
import { countSilentFork } from '../base/forkCount.ts'
import type { IdMaps } from '../base/idmap.ts'
import { SyscallError } from '../syscall/error.ts'
import { messageSocketPair, ownFd, pollReadable, receiveFd, sendFd } from '../syscall/fd.ts'
import { forkChild, killIfAlive, pidfdOpen, setChildSubreaper, waitForExit } from '../syscall/process.ts'
import { awaitWorkload, WorkloadFailure } from './execution.ts'
import { startFuseOverlay } from './fuse.ts'
import {
  type MonitorProgram,
  type ParentMessage,
  receiveStageMessage,
  type StageFailure,
  type StageMessage,
  sendMessage,
  stageError,
} from './messages.ts'
import type { ForkPlan, LaunchPlan } from './plan.ts'
import { createPlanFile, writePlan } from './planFile.ts'
import { cloneInit } from './stage/clonedInit.ts'
import type { StageFds } from './stage/init.ts'
import { runKeeper } from './stage/keeper.ts'
import { tooManyProcesses } from './stage/processLimit.ts'
import { NAMESPACE_STEP, runStage1 } from './stage/stage1.ts'

/** How long a forked child may take for its first word. */
const FIRST_MESSAGE_MS = 10_000
const SIGKILL = 9

/** What the other rooms do for a container while it is being made. All synchronous. */
export interface LaunchHooks {
  /** Init's user namespace has its id maps when this returns. */
  finishIdMaps(): void
  /** Writes the id maps of another process's new user namespace. */
  writeIdMaps(pid: number, maps: IdMaps): void
  /** Starts what serves the network of init's namespaces, and returns before it is ready. */
  startNetwork(pid: number): { waitReady(): void; close(): void }
  /** Init exists and will not execute the workload before this returns. */
  onCreated(pid: number): void
}

export interface LaunchedContainer {
  /** Pid of init as the host sees it; a child of this process, or of the keeper. */
  readonly pid: number
  /** Master end of the container's terminal. */
  readonly terminalFd: number | undefined
  /** Pid of fuse-overlayfs; it ends with the container's mounts. */
  readonly fusePid: number | undefined
}

/** Processes that make their namespaces already, while the plan for what follows is still being made. */
export interface ForkedContainer extends Disposable {
  /**
   * Pid of init, which is in the new namespaces and waits.
   * @throws NamespaceFailure where they could not be made
   */
  initPid(): number
  /** Hands the plan over, and sees the container through until its workload has been executed. @throws BryoError; nothing is left running then */
  launch(plan: LaunchPlan, hooks: LaunchHooks): LaunchedContainer
  /** The process that will be the monitor; undefined where this process is init's parent. */
  keeperPid(): number | undefined
  /** After the launch: the keeper executes the monitor, with these fds from 3 on. The container no longer depends on this process. */
  handOver(program: MonitorProgram, fds: readonly number[]): void
}

/** Forks the processes of a container; without `launch` they end with the scope. */
export function forkContainer(plan: ForkPlan): ForkedContainer {
  if (!plan.monitored) setChildSubreaper()
  let current = forkStages(plan)
  let pid: number | undefined
  let launched = false
  const initPid = () => {
    if (pid !== undefined) return pid
    try {
      pid = awaitInit(current)
    } catch (error) {
      if (!(error instanceof SilentFork)) throw error
      // It was caught in a lock of the engine that another thread held at the fork: it harms nobody, and one more is forked.
      countSilentFork()
      current.end()
      current = forkStages(plan)
      pid = awaitInit(current)
    }
    current.tellKeeper({ kind: 'init', pid })
    return pid
  }
  return {
    initPid,
    keeperPid: () => current.keeperPid,
    handOver: (program, fds) => current.handOver(program, fds),
    launch: (launchPlan, hooks) => {
      const launch = { initPid: initPid(), forked: current, plan, launchPlan, hooks }
      // From here on a failure ends init by itself.
      launched = true
      return seeThrough(launch)
    },
    [Symbol.dispose]: () => {
      current.end()
      if (pid !== undefined && !launched && current.keeperPid === undefined) endProcess(pid)
    },
  }
}

interface ForkedStages {
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

function forkStages(plan: ForkPlan): ForkedStages {
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

class SilentFork extends BryoError {}

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

function awaitInit(forked: ForkedStages): number {
  let pid = forked.clonedPid
  let started = false
  while (pid === undefined || !started) {
    const message = firstMessage(forked.controlFd)
    if (message === undefined)
      throw new SilentFork('RUNTIME', 'cannot create the container: its forked process stays silent')
    if (message.kind === 'failed') {
      forked.reapStage1()
      throw namespaceFailure(message) ?? stageError(message)
    }
    if (message.kind === 'init-started') started = true
    if (message.kind === 'init-forked') {
      pid = message.pid
      // A stage 1 speaks once it has forked; an init that was cloned speaks for itself.
      started ||= message.cloned !== true
    }
  }
  forked.reapStage1()
  return pid
}

/** What the first forked child says; undefined where it stays silent. */
export function firstMessage(controlFd: number): StageMessage | undefined {
  return pollReadable(controlFd, FIRST_MESSAGE_MS) ? receiveStageMessage(controlFd) : undefined
}

interface Launch {
  readonly initPid: number
  readonly forked: ForkedStages
  readonly plan: ForkPlan
  readonly launchPlan: LaunchPlan
  readonly hooks: LaunchHooks
}

function seeThrough(launch: Launch): LaunchedContainer {
  const { initPid, forked, plan, launchPlan, hooks } = launch
  const { controlFd } = forked
  const undo = new DisposableStack()
  try {
    writePlan(forked.planFd, launchPlan)
    tellInit(controlFd, 'planned')
    hooks.finishIdMaps()
    tellInit(controlFd, 'maps-written')
    const network = plan.namespaces.includes('network') ? hooks.startNetwork(initPid) : undefined
    if (network) undo.defer(() => network.close())
    const fusePid = launchPlan.rootfs.kind === 'fuse-overlayfs' ? awaitFuse(launch, undo) : undefined
    hooks.onCreated(initPid)
    network?.waitReady()
    tellInit(controlFd, 'proceed')
    const terminalFd = awaitExecution(controlFd, initPid)
    undo.move()
    return { pid: initPid, terminalFd, fusePid }
  } catch (error) {
    // What init has to say tells more than what failed here because init was gone.
    throw error instanceof WorkloadFailure ? error : (pendingFailure(controlFd) ?? error)
  } finally {
    undo.dispose()
    forked.close()
  }
}

function pendingFailure(controlFd: number): BryoError | undefined {
  while (pollReadable(controlFd, 0)) {
    const message = receiveStageMessage(controlFd)
    if (message === undefined) return undefined
    if (message.kind === 'failed') return stageError(message)
  }
  return undefined
}

function awaitFuse(launch: Launch, undo: DisposableStack): number {
  const { controlFd } = launch.forked
  const message = receiveStageMessage(controlFd)
  if (message?.kind === 'failed') throw stageError(message)
  if (message?.kind !== 'fuse') throw unexpectedEnd(message?.kind)
  return undo.adopt(
    serveFuse(launch.launchPlan, launch.hooks, {
      initPid: launch.initPid,
      controlFd,
      outlivesCaller: launch.plan.monitored,
    }),
    endProcess,
  )
}

function serveFuse(
  { rootfs, maps, asHostRoot }: LaunchPlan,
  hooks: LaunchHooks,
  init: { readonly initPid: number; readonly controlFd: number; readonly outlivesCaller: boolean },
): number {
  if (rootfs.kind !== 'fuse-overlayfs') throw unexpectedEnd('fuse')
  const { outlivesCaller } = init
  using fuse = ownFd(receiveFd(init.controlFd))
  using user = ownFd(openSync(`/proc/${init.initPid}/ns/user`, 'r'))
  try {
    const context = { fuseFd: fuse.fd, userFd: user.fd, maps, asHostRoot, outlivesCaller }
    return startFuseOverlay(rootfs, context, hooks.writeIdMaps)
  } finally {
    tellInit(init.controlFd, 'rootfs-ready')
  }
}

/**
 * The end of the socket means that the workload runs: every holder of the other side has executed or gone.
 * @returns the master end of the terminal, where there is one
 */
export function awaitExecution(controlFd: number, pid: number): number | undefined {
  let terminalFd: number | undefined
  try {
    for (;;) {
      const message = receiveStageMessage(controlFd)
      if (message?.kind === 'terminal') {
        terminalFd = receiveFd(controlFd)
        continue
      }
      if (message?.kind !== 'executing')
        throw message?.kind === 'failed' ? stageError(message) : unexpectedEnd(message?.kind)
      awaitWorkload(controlFd, { name: message.name, pid })
      return terminalFd
    }
  } catch (error) {
    if (terminalFd !== undefined) closeSync(terminalFd)
    throw error
  }
}

/** Where init has gone already, its report is still to be read: that says more than the closed socket. */
export function tellInit(controlFd: number, kind: ParentMessage['kind']): void {
  try {
    sendMessage(controlFd, { kind })
  } catch (error) {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error
  }
}

function unexpectedEnd(kind: string | undefined): BryoError {
  return new BryoError(
    'RUNTIME',
    `cannot create the container: received ${kind === undefined ? 'the end' : `"${kind}"`} from its process, expected the workload to run`,
  )
}

export function endProcess(pid: number): void {
  killIfAlive(pid, SIGKILL)
  waitForExit(pid)
}
