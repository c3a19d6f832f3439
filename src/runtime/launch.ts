import { closeSync, openSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import type { IdMaps } from '../base/idmap.ts'
import { messageSocketPair, ownFd, receiveFd } from '../syscall/fd.ts'
import { forkChild, killIfAlive, setChildSubreaper, waitForExit } from '../syscall/process.ts'
import { startFuseOverlay } from './fuse.ts'
import {
  type ParentMessage,
  receiveStageMessage,
  type StageMessage,
  sendMessage,
  stageError,
} from './messages.ts'
import type { LaunchPlan } from './plan.ts'
import { runStage1 } from './stage/stage1.ts'

/** How long a forked child may take for its first word, and a prepared container for each next one. */
const FIRST_MESSAGE_MS = 10_000
const SIGKILL = 9

/** What the other rooms do for a container while it is being made. All synchronous. */
export interface LaunchHooks {
  /** Writes the id maps of a process's new user namespace. */
  writeIdMaps(pid: number, maps: IdMaps): void
  /** Starts what serves the network of init's namespaces, and returns before it is ready. */
  startNetwork(pid: number): { waitReady(): void; close(): void }
  /** Init exists and will not execute the workload before this returns. */
  onCreated(pid: number): void
}

export interface LaunchedContainer {
  /** Pid of init as the host sees it; a child of this process. */
  readonly pid: number
  /** Master end of the container's terminal. */
  readonly terminalFd: number | undefined
  /** Pid of fuse-overlayfs; it ends with the container's mounts. */
  readonly fusePid: number | undefined
  /** Forks that stayed silent and were repeated. */
  readonly silentForks: number
}

/**
 * Makes a container and starts its workload; returns once the workload has been executed.
 * @throws BryoError; nothing is left running then
 */
export function launchContainer(plan: LaunchPlan, hooks: LaunchHooks): LaunchedContainer {
  setChildSubreaper()
  const { initPid, controlFd, silentForks } = forkInit(plan)
  const undo = new DisposableStack()
  try {
    undo.defer(() => endProcess(initPid))
    const fusePid = bringUp(plan, hooks, { initPid, controlFd }, undo)
    const terminalFd = awaitExecution(controlFd, fusePid.terminalFd)
    undo.move()
    return { pid: initPid, terminalFd, fusePid: fusePid.fusePid, silentForks }
  } finally {
    undo.dispose()
    closeSync(controlFd)
  }
}

interface ForkedInit {
  readonly initPid: number
  readonly controlFd: number
  readonly silentForks: number
}

/** A child that was caught in a lock of the engine at the fork stays silent: it is ended, and one more is forked. */
function forkInit(plan: LaunchPlan): ForkedInit {
  for (let silentForks = 0; ; silentForks++) {
    const [controlFd, childFd] = messageSocketPair()
    const stage1 = forkChild(() => {
      closeSync(controlFd)
      return runStage1(plan, childFd)
    })
    closeSync(childFd)
    const message = firstMessage(controlFd)
    if (message === undefined) killIfAlive(stage1, SIGKILL)
    waitForExit(stage1)
    if (message?.kind === 'init-forked') return { initPid: message.pid, controlFd, silentForks }
    closeSync(controlFd)
    if (message?.kind === 'failed') throw stageError(message)
    if (silentForks === 1)
      throw new BryoError('RUNTIME', 'cannot create the container: two forked processes stayed silent')
  }
}

function firstMessage(controlFd: number): StageMessage | undefined {
  try {
    return receiveStageMessage(controlFd, FIRST_MESSAGE_MS)
  } catch {
    return undefined
  }
}

interface BringUp {
  readonly fusePid: number | undefined
  readonly terminalFd: number | undefined
}

function bringUp(
  plan: LaunchPlan,
  hooks: LaunchHooks,
  init: Pick<ForkedInit, 'initPid' | 'controlFd'>,
  undo: DisposableStack,
): BringUp {
  const { initPid, controlFd } = init
  if (!plan.join) hooks.writeIdMaps(initPid, plan.maps)
  tellInit(controlFd, 'maps-written')
  const network = plan.newNetwork ? hooks.startNetwork(initPid) : undefined
  if (network) undo.defer(() => network.close())
  let fusePid: number | undefined
  let terminalFd: number | undefined
  for (;;) {
    const message = receiveStageMessage(controlFd)
    switch (message?.kind) {
      case 'fuse':
        fusePid = serveFuse(plan, hooks, init)
        undo.adopt(fusePid, endProcess)
        break
      case 'terminal':
        terminalFd = receiveFd(controlFd)
        break
      case 'failed':
        throw stageError(message)
      case 'prepared':
        network?.waitReady()
        hooks.onCreated(initPid)
        tellInit(controlFd, 'proceed')
        return { fusePid, terminalFd }
      default:
        throw unexpectedEnd(message?.kind)
    }
  }
}

function serveFuse(
  { rootfs, maps }: LaunchPlan,
  hooks: LaunchHooks,
  init: Pick<ForkedInit, 'initPid' | 'controlFd'>,
): number {
  if (rootfs.kind !== 'fuse-overlayfs') throw unexpectedEnd('fuse')
  using fuse = ownFd(receiveFd(init.controlFd))
  using user = ownFd(openSync(`/proc/${init.initPid}/ns/user`, 'r'))
  try {
    return startFuseOverlay(rootfs, { fuseFd: fuse.fd, userFd: user.fd, maps }, hooks.writeIdMaps)
  } finally {
    tellInit(init.controlFd, 'rootfs-ready')
  }
}

/** The end of the socket means that the workload runs: every holder of the other side has executed or gone. */
function awaitExecution(controlFd: number, terminalFd: number | undefined): number | undefined {
  const message = receiveStageMessage(controlFd)
  if (message === undefined) return terminalFd
  if (terminalFd !== undefined) closeSync(terminalFd)
  if (message.kind === 'failed') throw stageError(message)
  throw unexpectedEnd(message.kind)
}

/** Where init has gone already, its report is still to be read: that says more than the closed socket. */
function tellInit(controlFd: number, kind: ParentMessage['kind']): void {
  try {
    sendMessage(controlFd, { kind })
  } catch (error) {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error
  }
}

function unexpectedEnd(kind: string | undefined): BryoError {
  return new BryoError(
    'RUNTIME',
    `cannot create the container: received ${kind === undefined ? 'the end' : `"${kind}"`} from its process, expected "prepared"`,
  )
}

function endProcess(pid: number): void {
  killIfAlive(pid, SIGKILL)
  waitForExit(pid)
}
