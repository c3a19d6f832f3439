import { sleep } from '../../../base/sleep.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState, isLive, type ProcessRef } from '../../../storage/container/state.ts'
import type { Lock } from '../../../storage/lock.ts'
import type { Store } from '../../../storage/store.ts'
import { isWorkedOn, workName } from '../../../storage/work.ts'
import type { Engine } from '../../engine.ts'
import { acquireStartLock, heldTooLong, PATIENCE_MS } from '../startLock.ts'

/** A container as it is found: with processes, or kept from starting. */
export type ContainerHold =
  | { readonly kind: 'running'; readonly process: ProcessRef }
  | { readonly kind: 'stopped'; readonly lock: Lock }

const PAUSE_MS = 20

/**
 * Finds out whether the container runs; where it does not, holds the lock that its start needs. Waits while it is just starting,
 * ending, or held by another command.
 * @throws BryoError IN_USE where that takes too long, NOT_FOUND where it was removed meanwhile
 */
export function holdContainer(engine: Engine, record: ContainerRecord): ContainerHold {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const state = effectiveState(engine.store, record.id)
    if (state.status === 'running' || state.status === 'paused' || state.status === 'initialized') {
      return { kind: 'running', process: state.process }
    }
    const lock = acquireStartLock(engine, record, 0)
    if (lock && isIdle(engine.store, record)) return { kind: 'stopped', lock }
    lock?.release()
    if (performance.now() > deadline) throw heldTooLong('reach the files of', record)
    sleep(PAUSE_MS)
  }
}

/** It may have started before the lock was taken; and one with `--rm` is held by whoever runs or removes it. */
function isIdle(store: Store, { id, autoRemove }: ContainerRecord): boolean {
  return !isLive(effectiveState(store, id)) && !(autoRemove && isWorkedOn(store, workName('container', id)))
}
