import { closeSync } from 'node:fs'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import type { IdMaps } from '../../base/idmap.ts'
import { pollReadable, receiveFd } from '../../syscall/fd.ts'
import { awaitWorkload } from '../execution.ts'
import { stageError } from '../messages.ts'
import { endForked, type ForkedProcess, forkIntoNamespaces } from './fork.ts'
import {
  type OciParentMessage,
  type OciStageMessage,
  receiveOciStageMessage,
  sendOciMessage,
} from './messages.ts'
import { type ContainerPlan, passedFds } from './plan.ts'
import { runHooks } from './stage/hooks.ts'
import { runOciInit } from './stage/init.ts'
import { enterPlannedNamespaces } from './stage/namespaces.ts'
import { stateDocument } from './state.ts'

/** What the other rooms do for a container while it is being created. All synchronous. */
export interface CreateCallbacks {
  /** Gives the new user namespace of a process its maps. */
  writeIdMaps(pid: number, maps: IdMaps): void
  /** The process waits, and nothing of the container has been done: the time for its control group. */
  enterGroup(pid: number): void
  /** Takes the master end of the terminal, which is closed after it. */
  onTerminal(masterFd: number): void
  /** The container waits for its start. What this does not write down is lost; where it throws, the container ends. */
  onCreated(pid: number): void
}

/**
 * Creates a container up to its program, which waits to be started. It lives on without this process.
 * @param listenFd takes the connections of `start`
 * @returns the pid of its first process
 * @throws BryoError; nothing is left running then
 */
export function createContainer(plan: ContainerPlan, listenFd: number, callbacks: CreateCallbacks): number {
  const forked = forkIntoNamespaces({
    enter: () => enterPlannedNamespaces(plan.namespaces),
    main: (controlFd) => runOciInit(plan, { controlFd, listenFd }),
    hidden: !plan.maps,
    keepFds: [...passedFds(plan.process), listenFd],
    debug: plan.debug,
  })
  try {
    seeThrough(plan, forked, callbacks)
  } catch (error) {
    // What the container's process has to say tells more than what failed here because it was gone.
    const cause = pendingFailure(forked.controlFd) ?? error
    endForked(forked)
    throw cause
  }
  closeSync(forked.controlFd)
  return forked.pid
}

function seeThrough(
  plan: ContainerPlan,
  { pid, controlFd }: ForkedProcess,
  callbacks: CreateCallbacks,
): void {
  if (plan.maps) callbacks.writeIdMaps(pid, plan.maps)
  callbacks.enterGroup(pid)
  sendOciMessage(controlFd, { kind: 'maps-written' })
  expectStageMessage(controlFd, 'mounted')
  // The older kind of hook reads what it always did, as from crun and as the validation programs of runtime-tools have it.
  runHooks('prestart', plan.hooks.prestart, stateDocument(plan, 'created', pid))
  runHooks('createRuntime', plan.hooks.createRuntime, stateDocument(plan, 'creating', pid))
  sendOciMessage(controlFd, { kind: 'hooks-done', pid })
  if (plan.process.terminal) {
    expectStageMessage(controlFd, 'terminal')
    passTerminal(controlFd, callbacks)
  }
  expectStageMessage(controlFd, 'ready')
  callbacks.onCreated(pid)
  sendOciMessage(controlFd, { kind: 'release' })
}

/** Receives the master end of a terminal and hands it over. */
export function passTerminal(controlFd: number, { onTerminal }: Pick<CreateCallbacks, 'onTerminal'>): void {
  const masterFd = receiveFd(controlFd)
  try {
    onTerminal(masterFd)
  } finally {
    closeSync(masterFd)
  }
}

/** @throws BryoError what the stage reports, or that it said something else */
export function expectStageMessage(fd: number, kind: OciStageMessage['kind']): void {
  const message = receiveOciStageMessage(fd)
  if (message?.kind === kind) return
  throw stageEnd(message, kind)
}

function stageEnd(message: OciStageMessage | undefined, expected: string): BryoError {
  if (message?.kind === 'failed') return stageError(message)
  const found = message === undefined ? 'the end' : `"${message.kind}"`
  return new BryoError(
    'RUNTIME',
    `cannot create the container: received ${found} from its process, expected "${expected}"`,
  )
}

function pendingFailure(controlFd: number): BryoError | undefined {
  while (pollReadable(controlFd, 0)) {
    const message = receiveOciStageMessage(controlFd)
    if (message === undefined) return undefined
    if (message.kind === 'failed') return stageError(message)
  }
  return undefined
}

/**
 * Tells a created container to start, and waits until its program runs.
 * @param connection to the socket on which it waits
 * @param pid of its first process
 * @throws BryoError INVALID_STATE where somebody else has started it; COMMAND_NOT_FOUND and the like where its program cannot run
 */
export function startContainer(connection: number, pid: number): void {
  tell(connection, { kind: 'start', pid })
  const message = unlessErrno(() => receiveOciStageMessage(connection), 'ECONNRESET')
  if (message === undefined) {
    throw new BryoError('INVALID_STATE', 'cannot start the container: it was started or has ended meanwhile')
  }
  if (message.kind !== 'executing') throw stageEnd(message, 'executing')
  awaitWorkload(connection, { name: message.name, pid })
}

/** Where the other side has gone, its last words are still to be read. */
function tell(fd: number, message: OciParentMessage): void {
  try {
    sendOciMessage(fd, message)
  } catch (error) {
    if (!isErrno(error, 'EPIPE', 'ECONNRESET')) throw error
  }
}
