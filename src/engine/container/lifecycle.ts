import { BryoError, isErrno } from '../../base/errors.ts'
import { SIGKILL, SIGTERM } from '../../base/signals.ts'
import { sleep } from '../../base/sleep.ts'
import { freezeGroup, killGroup } from '../../cgroup/group.ts'
import { type ContainerRecord, readContainer } from '../../storage/container/record.ts'
import {
  effectiveState,
  isLive,
  isProcessAlive,
  type LiveState,
  type ProcessRef,
} from '../../storage/container/state.ts'
import { ownFd, pollReadable } from '../../syscall/fd.ts'
import { killIfAlive, pidfdOpen } from '../../syscall/process.ts'
import type { Engine } from '../engine.ts'
import { markStopped } from './monitor/stopMark.ts'
import { acquireStartLock } from './startLock.ts'

/** Sends a signal to exactly this process. @returns false where it is gone */
export function signalProcess(process_: ProcessRef, signal: number): boolean {
  try {
    using _handle = ownFd(pidfdOpen(process_.pid))
    return isProcessAlive(process_) && killIfAlive(process_.pid, signal)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false
    throw error
  }
}

/** Blocks until exactly this process is gone. @returns false when the time is over */
export function awaitProcess(process_: ProcessRef, timeoutMs: number): boolean {
  try {
    using handle = ownFd(pidfdOpen(process_.pid))
    return !isProcessAlive(process_) || pollReadable(handle.fd, timeoutMs)
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return true
    throw error
  }
}

const RECORD_MS = 10_000

/** Once the container's processes are gone: blocks until its monitor has written that down, and is done itself. */
export function awaitRecorded({ store }: Engine, { id }: ContainerRecord, state: LiveState): void {
  if (state.monitor) awaitProcess(state.monitor, RECORD_MS)
  else pollState(() => readContainer(store, id) === undefined || !isLive(effectiveState(store, id)))
}

const PAUSE_MS = 10

function pollState(isOver: () => boolean): void {
  const deadline = Date.now() + RECORD_MS
  while (!isOver() && Date.now() < deadline) sleep(PAUSE_MS)
}

export interface StopRequest {
  readonly signal: number
  /** How long it may take before it is killed; undefined to wait for ever. */
  readonly timeoutMs: number | undefined
  readonly onWarning: (text: string) => void
  /** For the warning: `SIGTERM`. */
  readonly signalName: string
}

/** Ends a container for good: its restart policy rests until it is started again. Nothing where it does not run. */
export function endContainer(engine: Engine, record: ContainerRecord, request: StopRequest): void {
  const { store } = engine
  endRestarting(engine, record)
  let state = effectiveState(store, record.id)
  if (state.status === 'initialized') {
    if (endInitialized(engine, record)) return
    state = effectiveState(store, record.id)
  }
  if (!isLive(state)) return
  markStopped(store, record.id)
  const { signal, timeoutMs = -1, signalName } = request
  if (timeoutMs !== 0 && signal !== SIGKILL && signalProcess(state.process, signal)) {
    // What is frozen takes no signal but SIGKILL.
    if (state.status === 'paused' && state.cgroup !== undefined) freezeGroup(state.cgroup, false)
    if (!awaitProcess(state.process, timeoutMs)) {
      const seconds = Math.round(timeoutMs / 1000)
      request.onWarning(
        `${signalName} failed to stop container ${record.name} in ${seconds} seconds, resorting to SIGKILL`,
      )
    }
  }
  killNow(record, state)
  awaitRecorded(engine, record, state)
}

/**
 * Ends a container whose workload never ran, which nothing has to be asked for. Nobody starts it meanwhile.
 * @returns false where it is not, or no longer, initialized
 */
export function endInitialized(engine: Engine, record: ContainerRecord): boolean {
  const { store } = engine
  const deadline = Date.now() + RECORD_MS
  for (;;) {
    if (effectiveState(store, record.id).status !== 'initialized') return false
    using lock = acquireStartLock(engine, record, 0)
    const state = effectiveState(store, record.id)
    // Whoever holds the lock may be about to start it, or hang while it does.
    if (state.status === 'initialized' && (lock || Date.now() > deadline)) {
      markStopped(store, record.id)
      killNow(record, state)
      awaitRecorded(engine, record, state)
      return true
    }
    if (!lock) sleep(PAUSE_MS)
  }
}

/** Between two starts: has its monitor give the next one up. Where that runs by now, there is a container to be ended. */
function endRestarting({ store }: Engine, record: ContainerRecord): void {
  const state = effectiveState(store, record.id)
  if (state.status !== 'exited' || !state.restarting) return
  const { restarting } = state
  markStopped(store, record.id)
  signalProcess(restarting, SIGTERM)
  pollState(() => !isProcessAlive(restarting) || isLive(effectiveState(store, record.id)))
}

const KILL_WAIT_MS = 10_000

function killNow(record: ContainerRecord, { process: init, cgroup }: LiveState): void {
  // A pid that is somebody else's by now is in another group.
  if (cgroup !== undefined) killGroup(cgroup)
  signalProcess(init, SIGKILL)
  if (awaitProcess(init, KILL_WAIT_MS)) return
  throw new BryoError('RUNTIME', `cannot end container "${record.name}": it does not end by SIGKILL`)
}
