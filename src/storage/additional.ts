import { type Stats, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { BryoError, isErrno } from '../base/errors.ts'
import { hostPath } from './hostPath.ts'
import { readMarker, type Store, storeAt } from './store.ts'

/**
 * Stores that are only read: their images are there beside the user's own, and their layers are used where they are. Nothing in
 * them is written, locked or collected.
 * @throws BryoError STORAGE for a directory that is no store; PERMISSION for one of another user that is not shared: subordinate
 *   ids of that user own its files, which mean nothing in this user's containers
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
  const found = factsOf(path)
  const marker = found.uid === uid || (found.mode & 0o5) === 0o5 ? readMarker(dataRoot) : undefined
  if (found.uid !== uid && !marker?.shared) {
    throw new BryoError(
      'PERMISSION',
      `cannot use the additional store "${path}": it belongs to uid ${found.uid}, expected ${uid}, and is not shared`,
      {
        hint: 'its owner makes one that is, with --storage-opt force_mask=shared; or has the images saved there, and you load them',
      },
    )
  }
  if (!marker)
    throw new BryoError('STORAGE', `cannot use the additional store "${path}": it is no store of bryo`)
  if (marker.shared && (found.mode & 0o022) !== 0) {
    throw new BryoError(
      'PERMISSION',
      `cannot use the additional store "${path}": others than its owner may write to it`,
    )
  }
  return { ...storeAt({ dataRoot, runRoot }), ...(marker.shared && { shared: true }) }
}

function factsOf(path: string): Stats {
  try {
    return statSync(path)
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
