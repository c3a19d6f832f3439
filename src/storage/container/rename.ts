import { BryoError } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import type { Store } from '../store.ts'
import { updateContainerRecord } from './create.ts'
import { checkName, linkName, lockNames, releaseName } from './names.ts'
import { type ContainerRecord, readContainer } from './record.ts'

/**
 * Gives a container another name. The record decides which name counts, and it is replaced in one step: whoever looks, or
 * kills this process, finds the container under the old name or under the new one.
 * @throws BryoError USAGE, NAME_IN_USE, NOT_FOUND where it was removed meanwhile; nothing has changed then
 */
export function renameContainer(store: Store, { id }: Pick<ContainerRecord, 'id'>, name: string): void {
  checkName('container', name)
  using _lock = lockNames(store)
  const record = readContainer(store, id)
  if (record?.name === name) return
  if (record) {
    linkName(store, id, name)
    if (updateContainerRecord(store, { ...record, name })) {
      releaseName(store, record.name, id)
      return
    }
    releaseName(store, name, id)
  }
  throw new BryoError('NOT_FOUND', `cannot rename container ${shortId(id)}: it was removed meanwhile`)
}
