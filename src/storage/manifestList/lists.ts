import { createHash } from 'node:crypto'
import type { HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { acquireLock, unlinkIfThere } from '../lock.ts'
import { ensureDirectory } from '../makeDirectory.ts'
import type { Store } from '../store.ts'
import { type ManifestList, manifestListsDirectory, readManifestListFile } from './read.ts'

export function readManifestList(store: Store, name: string): ManifestList | undefined {
  return readManifestListFile(pathOf(store, name))
}

/**
 * Makes or changes a list; one editor at a time.
 * @param edit gets what is there, and gives what shall be
 */
export function editManifestList(
  store: Store,
  name: string,
  edit: (before: ManifestList | undefined) => ManifestList,
): ManifestList {
  ensureDirectory(manifestListsDirectory(store), 0o700)
  using _lock = acquireLock(hostPath(manifestListsDirectory(store), 'lock'), {
    mode: 'exclusive',
    wait: true,
  })
  const { changed: _, ...list } = edit(readManifestList(store, name))
  writeJsonAtomic(pathOf(store, name), list, { durable: true })
  return list
}

/** @throws BryoError NOT_FOUND */
export function removeManifestList(store: Store, name: string): void {
  if (!readManifestList(store, name)) throw new BryoError('NOT_FOUND', `${name}: manifest list not known`)
  unlinkIfThere(pathOf(store, name))
}

/** A name may be longer than a file's, and has slashes. */
function pathOf(store: Store, name: string): HostPath {
  return hostPath(manifestListsDirectory(store), `${createHash('sha256').update(name).digest('hex')}.json`)
}
