import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { BryoError, isErrno } from '../base/errors.ts'
import { hostPath } from './hostPath.ts'
import { fieldsOf, readJsonFile } from './json.ts'
import { STORE_MARKER, type Store, storeAt } from './store.ts'

/**
 * Stores that are only read: their images are there beside the user's own, and their layers are used where they are. Nothing in
 * them is written, locked or collected.
 * @throws BryoError STORAGE for a directory that is no store; PERMISSION for one of another user, whose subordinate ids own its files
 *   and mean nothing in this user's containers
 */
export function withAdditionalStores(store: Store, paths: readonly string[], uid: number): Store {
  if (paths.length === 0) return store
  const additional = [...new Set(paths.map((path) => resolve(path)))].map((path) =>
    openReadOnly(path, store, uid),
  )
  return { ...store, additional }
}

function openReadOnly(path: string, { runRoot }: Store, uid: number): Store {
  const dataRoot = hostPath(path)
  const owner = ownerOf(path)
  if (owner !== uid) {
    throw new BryoError(
      'PERMISSION',
      `cannot use the additional store "${path}": it belongs to uid ${owner}, expected ${uid}`,
      {
        hint: 'ids of another user mean nothing in containers of yours: have the images saved there, and load them',
      },
    )
  }
  const marker = hostPath(path, STORE_MARKER)
  const content = readJsonFile(marker)
  if (content !== undefined && fieldsOf(content, marker).number('version') === 1)
    return storeAt({ dataRoot, runRoot })
  throw new BryoError('STORAGE', `cannot use the additional store "${path}": it is no store of bryo`)
}

function ownerOf(path: string): number {
  try {
    return statSync(path).uid
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error
    throw new BryoError('STORAGE', `cannot use the additional store "${path}": it cannot be found`, {
      cause: error,
    })
  }
}

/** The store, and those that are read beside it. */
export function allStores(store: Store): readonly Store[] {
  return [store, ...(store.additional ?? [])]
}
