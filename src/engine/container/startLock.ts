import { BryoError, isErrno } from '../../base/errors.ts'
import { type ContainerRecord, containerDirectory } from '../../storage/container/record.ts'
import { effectiveState } from '../../storage/container/state.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { acquireLock, type Lock } from '../../storage/lock.ts'
import type { Engine } from '../engine.ts'

/** What needs a container without processes. */
type StartVerb = 'start' | 'initialize'

/**
 * Held while a container is started, and where one is removed that does not run.
 * @param wait until whoever has it is done; else undefined where somebody has it
 * @throws BryoError NOT_FOUND where it was removed meanwhile
 */
export function acquireStartLock(
  { store }: Engine,
  { id, name }: ContainerRecord,
  options: { readonly wait: boolean },
): Lock | undefined {
  try {
    const path = hostPath(containerDirectory(store, id), 'start.lock')
    return acquireLock(path, { mode: 'exclusive', ...options })
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new BryoError('NOT_FOUND', `no container with name or ID "${name}" found: no such container`)
  }
}

/**
 * One start at a time, of a container that has no processes.
 * @throws BryoError INVALID_STATE, also where somebody has the lock and `wait` is not set; NOT_FOUND
 */
export function lockStart(
  engine: Engine,
  record: ContainerRecord,
  { verb = 'start', wait = false }: { readonly verb?: StartVerb; readonly wait?: boolean } = {},
): Lock {
  const lock = acquireStartLock(engine, record, { wait })
  if (!lock) throw notStartable(record, 'starting', verb)
  try {
    checkStartable(engine, record, verb)
    return lock
  } catch (error) {
    lock.release()
    throw error
  }
}

/** @throws BryoError INVALID_STATE */
export function checkStartable({ store }: Engine, record: ContainerRecord, verb: StartVerb = 'start'): void {
  const { status } = effectiveState(store, record.id)
  if (status !== 'created' && status !== 'exited') throw notStartable(record, status, verb)
}

export function notStartable(
  { name }: ContainerRecord,
  status: string,
  verb: StartVerb = 'start',
): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `cannot ${verb} container "${name}": it is ${status}, expected created or exited`,
  )
}
