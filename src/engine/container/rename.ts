import { requireContainer } from '../../storage/container/find.ts'
import { renameContainer } from '../../storage/container/rename.ts'
import type { Engine } from '../engine.ts'

/** `rename`: in any state; what runs inside keeps its host name. @throws BryoError NOT_FOUND, NAME_IN_USE, USAGE */
export function renameByName({ store }: Engine, oldName: string, newName: string): void {
  renameContainer(store, requireContainer(store, oldName), newName)
}
