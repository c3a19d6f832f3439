import { readdirSync, statSync } from 'node:fs'
import type { HostPath } from '../../base/brand.ts'
import { unlessErrno } from '../../base/errors.ts'
import type { IndexItem } from '../../base/image.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, readJsonFile, textRecord } from '../json.ts'
import type { Store } from '../store.ts'

/** An image of a list, and where it is. */
export interface ListedManifest extends IndexItem {
  /** The repository that has it, in full; empty for an image of the store. */
  readonly repository: string
}

/** A manifest list in the making: images for several platforms under one name. */
export interface ManifestList {
  /** In full, with a tag. */
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  readonly manifests: readonly ListedManifest[]
  /** When it was written last, RFC 3339; not stored. */
  readonly changed?: string
}

/** All lists of the store, which most stores have none of. */
export function readManifestLists(store: Store): readonly ManifestList[] {
  const directory = manifestListsDirectory(store)
  const names = unlessErrno(() => readdirSync(directory), 'ENOENT') ?? []
  return names
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readManifestListFile(hostPath(directory, name)) ?? [])
}

export function manifestListsDirectory(store: Store): HostPath {
  return hostPath(store.dataRoot, 'manifests')
}

/** undefined where there is no such file. */
export function readManifestListFile(path: HostPath): ManifestList | undefined {
  const content = readJsonFile(path)
  if (content === undefined) return undefined
  const fields = fieldsOf(content, path)
  return {
    name: fields.text('name'),
    changed: statSync(path).mtime.toISOString(),
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
