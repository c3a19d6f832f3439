import { BryoError } from '../../../base/errors.ts'
import { type ContainerRecord, containerDirectory } from '../../../storage/container/record.ts'
import { effectiveState, type ProcessRef } from '../../../storage/container/state.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { acquireLock, type Lock } from '../../../storage/lock.ts'
import type { Engine } from '../../engine.ts'

/** A container as it is found: with processes, or kept from starting. */
export type ContainerHold =
  | { readonly kind: 'running'; readonly process: ProcessRef }
  | { readonly kind: 'stopped'; readonly lock: Lock }

const PAUSE_MS = 20
const PATIENCE_MS = 20_000

/**
 * Finds out whether the container runs; where it does not, holds the lock that its start needs. Waits while it is just starting,
 * ending, or held by another command.
 * @throws BryoError INVALID_STATE where that takes too long
 */
export function holdContainer({ store }: Engine, record: ContainerRecord): ContainerHold {
  const path = hostPath(containerDirectory(store, record.id), 'start.lock')
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const state = effectiveState(store, record.id)
    if (state.status === 'running' || state.status === 'paused' || state.status === 'initialized') {
      return { kind: 'running', process: state.process }
    }
    const lock = acquireLock(path, { mode: 'exclusive', wait: false })
    // It may have started before the lock was taken.
    const now = lock && effectiveState(store, record.id).status
    if (lock && (now === 'created' || now === 'exited')) return { kind: 'stopped', lock }
    lock?.release()
    if (performance.now() > deadline) throw stillBusy(record, state.status)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
  }
}

function stillBusy({ name }: ContainerRecord, status: string): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `cannot reach the files of container "${name}": it is ${status} and another command holds it, expected running or stopped`,
  )
}
