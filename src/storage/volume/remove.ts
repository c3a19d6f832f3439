import { renameSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { readContainers } from '../container/find.ts'
import type { RunInUserns } from '../runInUserns.ts'
import type { Store } from '../store.ts'
import { removeTree } from '../tree/remove.ts'
import { beginWork, workName } from '../work.ts'
import { requireVolume, volumeDirectory } from './volumes.ts'

/**
 * Removes a volume with its content.
 * @throws BryoError NOT_FOUND; IN_USE where a container has it, running or not
 */
export function removeVolume(store: Store, name: string, runInUserns?: RunInUserns): void {
  requireVolume(store, name)
  const users = removeUnlessUsed(store, name, runInUserns)
  if (users.length === 0) return
  throw new BryoError(
    'IN_USE',
    `cannot remove volume "${name}": in use by ${users.join(', ')}, expected no container`,
    {
      hint: `remove the containers first: bryo rm ${users.join(' ')}`,
    },
  )
}

/**
 * As {@link removeVolume}, for volumes that end with their container: one that is in use or gone is left.
 * @returns whether nobody uses it, so that it is gone
 */
export function removeVolumeIfUnused(store: Store, name: string, runInUserns?: RunInUserns): boolean {
  return removeUnlessUsed(store, name, runInUserns).length === 0
}

/** Names of the containers that have it. */
export function volumeUsers(store: Store, name: string): readonly string[] {
  return readContainers(store)
    .filter((container) => container.volumes.includes(name))
    .map((container) => container.name)
}

/** A container names its volumes before it makes them, and makes them under the same work: so none is taken from it. */
function removeUnlessUsed(
  store: Store,
  name: string,
  runInUserns: RunInUserns | undefined,
): readonly string[] {
  using work = beginWork(store, workName('volume', name))
  const users = volumeUsers(store, name)
  if (users.length > 0) {
    work.finish()
    return users
  }
  // What a killed removal left would be in the way.
  removeTree(work.path, { runInUserns })
  try {
    renameSync(volumeDirectory(store, name), work.path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
  removeTree(work.path, { runInUserns })
  work.finish()
  return []
}
