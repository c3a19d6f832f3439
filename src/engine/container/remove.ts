import { BryoError, isErrno } from '../../base/errors.ts'
import { findContainer, readContainers, requireContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { removeContainer } from '../../storage/container/remove.ts'
import {
  type ContainerState,
  effectiveState,
  isProcessAlive,
  type ProcessRef,
} from '../../storage/container/state.ts'
import { ownFd, pollReadable } from '../../syscall/fd.ts'
import { killIfAlive, pidfdOpen } from '../../syscall/process.ts'
import type { Engine } from '../engine.ts'

export interface RemoveOptions {
  /** Running ones are killed first. */
  readonly force: boolean
  /** Anonymous volumes go too. */
  readonly volumes: boolean
  /** A name that does not exist is no error. */
  readonly ignore: boolean
}

const SIGKILL = 9
const KILL_WAIT_MS = 10_000

/** `rm`: removes one container; gives the name it was called by, undefined where there was none and that is fine. */
export function removeByName(engine: Engine, name: string, options: RemoveOptions): string | undefined {
  const record = findContainer(engine.store, name)
  if (!record && (options.ignore || options.force)) return undefined
  removeRecord(engine, record ?? requireContainer(engine.store, name), options)
  return name
}

/** All containers of the store, for `rm --all`. */
export function removableContainers(engine: Engine): readonly ContainerRecord[] {
  return readContainers(engine.store)
}

/** For `--replace`: whatever has the name goes, running or not. */
export function removeNamed(engine: Engine, name: string): void {
  const record = findContainer(engine.store, name)
  if (record?.name === name) removeRecord(engine, record, { force: true, volumes: true, ignore: true })
}

function removeRecord(engine: Engine, record: ContainerRecord, options: RemoveOptions): void {
  const state = effectiveState(engine.store, record.id)
  if (isRunning(state)) {
    if (!options.force) throw stillRunning(record, state.status)
    endProcess(state.process)
  }
  const { runInUserns } = engine
  try {
    removeContainer(engine.store, record.id, { runInUserns, removeVolumes: options.volumes })
  } catch (error) {
    // The process that ran a --rm container removes it by itself once its init is gone.
    if (!(options.force && record.autoRemove && error instanceof BryoError && error.code === 'IN_USE'))
      throw error
  }
}

function isRunning(
  state: ContainerState,
): state is Extract<ContainerState, { readonly process: ProcessRef }> {
  return state.status !== 'created' && state.status !== 'exited'
}

function stillRunning(record: ContainerRecord, status: string): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `cannot remove container ${record.id.slice(0, 12)} as it is ${status} - running or paused containers cannot be removed without force`,
    { hint: `bryo rm -f ${record.name}` },
  )
}

/** Kills the container's init, which takes every process of the container with it, and waits for that. */
function endProcess(process_: ProcessRef): void {
  try {
    using handle = ownFd(pidfdOpen(process_.pid))
    if (!isProcessAlive(process_)) return
    killIfAlive(process_.pid, SIGKILL)
    pollReadable(handle.fd, KILL_WAIT_MS)
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}
