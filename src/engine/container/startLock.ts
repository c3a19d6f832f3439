import { BryoError, isErrno } from '../../base/errors.ts'
import { type ContainerRecord, containerDirectory } from '../../storage/container/record.ts'
import { type ContainerState, effectiveState, isLive } from '../../storage/container/state.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { acquireLockWithin, type Lock } from '../../storage/lock.ts'
import type { Engine } from '../engine.ts'

/** How long a command waits for another one that starts the container, removes it, or works with its files. */
export const PATIENCE_MS = 60_000

/** What needs a container without processes. */
export type StartVerb = 'start' | 'initialize'

/**
 * Held while a container is started or removed, and while a command works with the files of one that does not run.
 * @returns undefined where somebody else had it all that time
 * @throws BryoError NOT_FOUND where the container was removed meanwhile
 */
export function acquireStartLock(
  { store }: Engine,
  { id, name }: ContainerRecord,
  patienceMs = PATIENCE_MS,
): Lock | undefined {
  try {
    const path = hostPath(containerDirectory(store, id), 'start.lock')
    return acquireLockWithin(path, { mode: 'exclusive', patienceMs })
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new BryoError('NOT_FOUND', `no container with name or ID "${name}" found: no such container`)
  }
}

/**
 * The lock of a container that is to be started.
 * @throws BryoError IN_USE where another command keeps it too long, NOT_FOUND
 */
export function lockForStart(engine: Engine, record: ContainerRecord, verb: StartVerb = 'start'): Lock {
  const lock = acquireStartLock(engine, record)
  if (!lock) throw heldTooLong(verb, record)
  return lock
}

/** One start at a time, of a container that has no processes. @throws BryoError INVALID_STATE, IN_USE, NOT_FOUND */
export function lockStart(engine: Engine, record: ContainerRecord): Lock {
  const lock = lockForStart(engine, record)
  try {
    checkStartable(record, effectiveState(engine.store, record.id))
    return lock
  } catch (error) {
    lock.release()
    throw error
  }
}

/** @throws BryoError INVALID_STATE */
export function checkStartable(
  { name }: ContainerRecord,
  state: ContainerState,
  verb: StartVerb = 'start',
): void {
  if (!isLive(state)) return
  throw new BryoError(
    'INVALID_STATE',
    `cannot ${verb} container "${name}": it is ${state.status}, expected created or exited`,
  )
}

/** @param verb what could not be done with the container */
export function heldTooLong(verb: string, { name }: ContainerRecord): BryoError {
  return new BryoError(
    'IN_USE',
    `cannot ${verb} container "${name}": another command has held it for ${PATIENCE_MS / 1000} seconds`,
    {
      hint: 'a copy of its files that goes on, or a start that stands still; try it again when that has ended',
    },
  )
}
