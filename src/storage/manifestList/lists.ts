import { createHash } from 'node:crypto'
import type { Digest, HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, readJsonFile, textRecord } from '../json.ts'
import { acquireLock, unlinkIfThere } from '../lock.ts'
import { ensureDirectory } from '../makeDirectory.ts'
import type { Store } from '../store.ts'

/** An image of a list, and where it is. */
export interface ListedManifest {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly os: string
  readonly architecture: string
  readonly variant: string
  readonly osVersion: string
  readonly osFeatures: readonly string[]
  readonly features: readonly string[]
  readonly annotations: Readonly<Record<string, string>>
  /** The repository that has it, in full; empty for an image of the store. */
  readonly repository: string
}

/** A manifest list in the making: images for several platforms under one name. */
export interface ManifestList {
  /** In full, with a tag. */
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly manifests: readonly ListedManifest[]
}

export function readManifestList(store: Store, name: string): ManifestList | undefined {
  const path = pathOf(store, name)
  const content = readJsonFile(path)
  if (content === undefined) return undefined
  const fields = fieldsOf(content, path)
  return {
    name: fields.text('name'),
    annotations: textRecord(fields.json('annotations'), path),
    manifests: fields.list('manifests', (entry) => parseListed(entry, path)),
  }
}

function parseListed(fields: Fields, path: string): ListedManifest {
  return {
    mediaType: fields.text('mediaType'),
    digest: fields.digest('digest'),
    size: fields.number('size'),
    os: fields.text('os'),
    architecture: fields.text('architecture'),
    variant: fields.text('variant'),
    osVersion: fields.text('osVersion'),
    osFeatures: fields.texts('osFeatures'),
    features: fields.texts('features'),
    annotations: textRecord(fields.json('annotations'), path),
    repository: fields.text('repository'),
  }
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
  ensureDirectory(directoryOf(store), 0o700)
  using _lock = acquireLock(hostPath(directoryOf(store), 'lock'), { mode: 'exclusive', wait: true })
  const list = edit(readManifestList(store, name))
  writeJsonAtomic(pathOf(store, name), list, { durable: true })
  return list
}

/** @throws BryoError NOT_FOUND */
export function removeManifestList(store: Store, name: string): void {
  if (!readManifestList(store, name)) throw new BryoError('NOT_FOUND', `${name}: manifest list not known`)
  unlinkIfThere(pathOf(store, name))
}

function directoryOf(store: Store): HostPath {
  return hostPath(store.dataRoot, 'manifests')
}

/** A name may be longer than a file's, and has slashes. */
function pathOf(store: Store, name: string): HostPath {
  return hostPath(directoryOf(store), `${createHash('sha256').update(name).digest('hex')}.json`)
}
