import { BryoError } from '../../base/errors.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { endLeftProcesses } from '../../storage/container/leftProcesses.ts'
import { containerRunDirectory } from '../../storage/container/record.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import { appendEvent } from '../../storage/events.ts'
import { removeTree } from '../../storage/tree/remove.ts'
import type { Engine } from '../engine.ts'
import { removeImage } from '../image/remove.ts'
import { containerEvent } from './event.ts'
import { removeByName } from './remove.ts'
import { storedConfig } from './stored.ts'

export interface CleanupOptions {
  /** The container too. */
  readonly remove: boolean
  /** Its image too. */
  readonly removeImage: boolean
}

/**
 * `container cleanup`: removes what a container that has ended needed only while it ran. Nothing that has to be done: each start and each
 * removal does the same.
 * @throws BryoError INVALID_STATE where it runs
 */
export async function cleanUpContainer(engine: Engine, name: string, options: CleanupOptions): Promise<void> {
  const record = requireContainer(engine.store, name)
  const state = effectiveState(engine.store, record.id)
  if (isLive(state)) {
    throw new BryoError(
      'INVALID_STATE',
      `cannot clean up container "${record.name}": it is ${state.status}, expected exited`,
    )
  }
  const { runInUserns } = engine
  if (storedConfig(record).request.pid !== undefined) endLeftProcesses(record.id)
  removeTree(containerRunDirectory(engine.store, record.id), { runInUserns })
  appendEvent(engine.store, containerEvent(record, 'cleanup'))
  if (options.remove || options.removeImage)
    removeByName(engine, record.id, { force: false, volumes: true, ignore: false })
  if (options.removeImage && record.image) await removeImage(engine, { image: record.image.id })
}
