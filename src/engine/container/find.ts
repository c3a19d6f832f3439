import { findContainer as find, requireContainer as require } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import type { Engine } from '../engine.ts'

/** A container by name, by id, or by the first digits of its id. @throws BryoError AMBIGUOUS */
export function findContainer({ store }: Engine, name: string): ContainerRecord | undefined {
  return find(store, name)
}

/** As {@link findContainer}. @throws BryoError NOT_FOUND */
export function requireContainer({ store }: Engine, name: string): ContainerRecord {
  return require(store, name)
}
