import { appendEvent } from '../../storage/events.ts'
import { recoverStore } from '../../storage/recover.ts'
import { treeBytes } from '../../storage/tree/usage.ts'
import { removeVolume, removeVolumeIfUnused, volumeUsers } from '../../storage/volume/remove.ts'
import { findVolume, readVolumes, type Volume } from '../../storage/volume/volumes.ts'
import { removeByName } from '../container/remove.ts'
import type { Engine } from '../engine.ts'
import { notePrune, totalBytes } from '../pruneEvent.ts'
import { fitsPruneFilter, type PruneFilter } from '../pruneFilter.ts'

export interface RemoveVolumeOptions {
  /** Containers that use it go first, running or not. */
  readonly force: boolean
  /** Seconds that these have to end by themselves; 0, the default, kills them at once. */
  readonly timeoutSeconds?: number | undefined
}

/** Removes one volume; gives its name. @throws BryoError NOT_FOUND, AMBIGUOUS, IN_USE */
export function removeVolumeByName(
  engine: Engine,
  nameOrPrefix: string,
  { force, timeoutSeconds = 0 }: RemoveVolumeOptions,
): string {
  const { name } = findVolume(engine.store, nameOrPrefix)
  if (force) {
    for (const user of volumeUsers(engine.store, name)) {
      removeByName(engine, user, { force: true, volumes: true, ignore: true, timeoutSeconds })
    }
  }
  // An anonymous one has gone with its container.
  if (!force || !removeVolumeIfUnused(engine.store, name, engine.runInUserns)) {
    removeVolume(engine.store, name, engine.runInUserns)
  }
  tellRemoved(engine, name)
  return name
}

function tellRemoved({ store }: Engine, name: string): void {
  appendEvent(store, { type: 'volume', action: 'remove', id: name, name })
}

/** The volumes that no container has. */
export function unusedVolumes({ store }: Engine, filter: PruneFilter): readonly Volume[] {
  return readVolumes(store).filter(
    (volume) => fitsPruneFilter(filter, volume) && volumeUsers(store, volume.name).length === 0,
  )
}

export interface PrunedVolume {
  readonly name: string
  /** Bytes of its files, as far as they could be seen. */
  readonly bytes: number
}

/** Removes them; one that a container has taken meanwhile stays. */
export function pruneVolumes(engine: Engine, filter: PruneFilter): readonly PrunedVolume[] {
  const { store, runInUserns } = engine
  recoverStore(store, runInUserns)
  const pruned = unusedVolumes(engine, filter).flatMap(({ name, path }) => {
    const bytes = treeBytes(path)
    if (!removeVolumeIfUnused(store, name, runInUserns)) return []
    tellRemoved(engine, name)
    return [{ name, bytes }]
  })
  notePrune(store, 'volume', totalBytes(pruned))
  return pruned
}
