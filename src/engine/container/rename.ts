import { requireContainer } from '../../storage/container/find.ts'
import { renameContainer } from '../../storage/container/rename.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Engine } from '../engine.ts'
import { containerEvent } from './event.ts'

/** `rename`: in any state; what runs inside keeps its host name. @throws BryoError NOT_FOUND, NAME_IN_USE, USAGE */
export function renameByName({ store }: Engine, oldName: string, newName: string): void {
  const record = requireContainer(store, oldName)
  renameContainer(store, record, newName)
  appendEvent(store, containerEvent({ ...record, name: newName }, 'rename', { oldName: record.name }))
}
