import { BryoError } from '../../base/errors.ts'
import { readContainers } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { effectiveState } from '../../storage/container/state.ts'
import { recoverStore } from '../../storage/recover.ts'
import type { Engine } from '../engine.ts'
import { notePrune, totalBytes } from '../pruneEvent.ts'
import { fitsPruneFilter, type PruneFilter } from '../pruneFilter.ts'
import { writtenBytes } from './list.ts'
import { removeByName } from './remove.ts'
import { storedConfig } from './stored.ts'

export interface PrunedContainer {
  readonly id: string
  /** Bytes that it had written. */
  readonly bytes: number
}

/**
 * Removes the containers that do not run, initialized ones too; their anonymous volumes stay. One that starts meanwhile stays too.
 * @throws BryoError where one cannot be removed
 */
export function pruneContainers(engine: Engine, filter: PruneFilter): readonly PrunedContainer[] {
  recoverStore(engine.store, engine.runInUserns)
  const pruned = readContainers(engine.store)
    .filter((record) => isPrunable(engine, record, filter))
    .flatMap((record) => {
      const bytes = writtenBytes(engine, record)
      return remove(engine, record.id) ? [{ id: record.id, bytes }] : []
    })
  notePrune(engine.store, 'container', totalBytes(pruned))
  return pruned
}

function isPrunable({ store }: Engine, record: ContainerRecord, filter: PruneFilter): boolean {
  const state = effectiveState(store, record.id)
  const ended =
    state.status === 'created' ||
    state.status === 'initialized' ||
    (state.status === 'exited' && state.restarting === undefined)
  const { labels } = storedConfig(record).request
  return ended && fitsPruneFilter(filter, { labels, created: record.created })
}

function remove(engine: Engine, id: string): boolean {
  try {
    return (
      removeByName(engine, id, { force: false, volumes: false, ignore: true, patienceMs: 0 }) !== undefined
    )
  } catch (error) {
    if (error instanceof BryoError && (error.code === 'INVALID_STATE' || error.code === 'IN_USE'))
      return false
    throw error
  }
}
