import { BryoError } from '../../base/errors.ts'
import { readSoundContainers } from '../../storage/container/find.ts'
import { containerDirectory } from '../../storage/container/record.ts'
import { effectiveState, readState, writeState } from '../../storage/container/state.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { acquireLock } from '../../storage/lock.ts'
import type { Engine } from '../engine.ts'

/**
 * Writes down the end of containers that ended unseen: killed with their monitor, or by a reboot. Every command knows that they
 * ended; this saves it the look.
 * @returns their names
 */
export function settleStates({ store }: Engine): readonly string[] {
  return readSoundContainers(store)
    .filter(({ id }) => {
      try {
        const written = readState(store, id)
        if (written.status === 'created' || written.status === 'exited') return false
        // A start that goes on holds it, and writes a state of its own.
        using lock = acquireLock(hostPath(containerDirectory(store, id), 'start.lock'), {
          mode: 'exclusive',
          wait: false,
        })
        const state = lock && effectiveState(store, id)
        return state?.status === 'exited' && writeState(store, id, state)
      } catch (error) {
        // Spoilt: the check tells.
        if (error instanceof BryoError && error.code === 'STORAGE') return false
        throw error
      }
    })
    .map(({ name }) => name)
}
