import { readdirSync, readlinkSync } from 'node:fs'
import type { ContainerId } from '../../base/brand.ts'
import { BryoError, unlessErrno } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import { hostPath } from '../hostPath.ts'
import type { Store } from '../store.ts'
import { isContainerName } from './names.ts'
import { type ContainerRecord, isContainerId, readContainer } from './record.ts'

/** All containers, oldest first. Takes no lock: one that comes or goes meanwhile is in it or not. */
export function readContainers(store: Store): readonly ContainerRecord[] {
  return recordsOf(store, (id) => readContainer(store, id))
}

/**
 * As {@link readContainers}, without those whose record is damaged: for lists. What is removed because no container has it must
 * not be found by this.
 */
export function readSoundContainers(store: Store): readonly ContainerRecord[] {
  return recordsOf(store, (id) => {
    try {
      return readContainer(store, id)
    } catch (error) {
      if (error instanceof BryoError && error.code === 'STORAGE') return undefined
      throw error
    }
  })
}

function recordsOf(
  store: Store,
  read: (id: ContainerId) => ContainerRecord | undefined,
): readonly ContainerRecord[] {
  return readdirSync(store.containers)
    .filter(isContainerId)
    .flatMap((id) => read(id) ?? [])
    .sort((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : 0))
}

/**
 * A container by name, by id, or by the first digits of its id. undefined where none fits.
 * @throws BryoError AMBIGUOUS where the digits fit several
 */
export function findContainer(store: Store, nameOrId: string): ContainerRecord | undefined {
  const named = isContainerName(nameOrId) ? readNameLink(store, nameOrId) : undefined
  if (named !== undefined) {
    const record = readContainer(store, named)
    // A rename that was killed leaves one name too many: the record says which one counts.
    if (record?.name === nameOrId) return record
  }
  const id = isContainerId(nameOrId) ? nameOrId : findIdByPrefix(store, nameOrId)
  return id && readContainer(store, id)
}

/** As {@link findContainer}. @throws BryoError NOT_FOUND */
export function requireContainer(store: Store, nameOrId: string): ContainerRecord {
  const record = findContainer(store, nameOrId)
  if (record) return record
  throw new BryoError('NOT_FOUND', `no container with name or ID "${nameOrId}" found: no such container`)
}

/** The id that a name is reserved for. */
export function readNameLink(store: Store, name: string): ContainerId | undefined {
  const target = unlessErrno(() => readlinkSync(hostPath(store.names, name)), 'ENOENT')
  return target !== undefined && isContainerId(target) ? target : undefined
}

const ID_PREFIX = /^[0-9a-f]{1,63}$/

function findIdByPrefix(store: Store, prefix: string): ContainerId | undefined {
  if (!ID_PREFIX.test(prefix)) return undefined
  const found = readdirSync(store.containers)
    .filter((id) => id.startsWith(prefix))
    .filter(isContainerId)
  if (found.length <= 1) return found[0]
  const ids = found.map(shortId).join(', ')
  throw new BryoError(
    'AMBIGUOUS',
    `cannot find container "${prefix}": ${found.length} ids start with it (${ids}), expected one`,
  )
}
