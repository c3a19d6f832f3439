import type { Digest } from '../../base/brand.ts'
import { isDigest } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { ManifestFormat, WrittenManifest } from '../../image/convert.ts'
import { writeIndex } from '../../image/indexDocument.ts'
import { MAX_MANIFEST_SIZE } from '../../image/manifest.ts'
import { newLocalName } from '../../image/reference.ts'
import { digestOf } from '../../image/verify.ts'
import {
  editManifestList,
  readManifestList,
  removeManifestList as removeFromStore,
} from '../../storage/manifestList/lists.ts'
import type { ListedManifest, ManifestList } from '../../storage/manifestList/read.ts'
import type { Store } from '../../storage/store.ts'
import type { Engine } from '../engine.ts'
import { findLocalImage } from '../image/find.ts'
import type { RegistrySettings } from '../image/registryOptions.ts'
import { findManifestList } from './findManifestList.ts'
import { findListed, type ListedSource } from './listedImages.ts'
import { openPullSource, resolveRegistry } from './open.ts'

/** What is changed of an entry; undefined leaves what the image says. */
export interface ListedChanges {
  readonly os?: string | undefined
  readonly architecture?: string | undefined
  readonly variant?: string | undefined
  readonly osVersion?: string | undefined
  readonly osFeatures?: readonly string[]
  readonly features?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
}

/** @throws BryoError NOT_FOUND */
export function requireManifestList(store: Store, text: string): ManifestList {
  const list = findManifestList(store, text)
  if (list) return list
  throw new BryoError('NOT_FOUND', `${text.slice(0, 300)}: manifest list not known`, {
    hint: 'make one: bryo manifest create LIST',
  })
}

export interface CreateManifestRequest extends RegistrySettings {
  readonly name: string
  readonly images: readonly string[]
  /** Take every image of indexes. */
  readonly all: boolean
  /** A list of the name is added to, instead of an error. */
  readonly amend: boolean
  readonly annotations: Readonly<Record<string, string>>
}

/** @throws BryoError NAME_IN_USE, INVALID_REFERENCE, and those of the images */
export async function createManifestList(
  engine: Engine,
  request: CreateManifestRequest,
): Promise<ManifestList> {
  const { store } = engine
  const name = newLocalName(request.name, 'create a manifest list')
  if (!request.amend && (readManifestList(store, name) ?? findLocalImage(store, name))) {
    throw nameInUse(name)
  }
  const sources: ListedSource = { settings: request, all: request.all }
  const added: ListedManifest[] = []
  for (const image of request.images) added.push(...(await findListed(engine, image, sources)))
  return editManifestList(store, name, (before) => ({
    name,
    annotations: { ...before?.annotations, ...request.annotations },
    manifests: merge(before?.manifests ?? [], added),
  }))
}

/** Further names for what a list is now: from then on, each is a list of its own. @throws BryoError NOT_FOUND, NAME_IN_USE */
export function copyManifestList({ store }: Engine, text: string, names: readonly string[]): void {
  const list = requireManifestList(store, text)
  for (const name of names.map((one) => newLocalName(one, 'tag'))) {
    if (findLocalImage(store, name)) throw nameInUse(name)
    editManifestList(store, name, () => ({ ...list, name }))
  }
}

function nameInUse(name: string): BryoError {
  return new BryoError('NAME_IN_USE', `cannot create manifest list "${name}": the name is in use`, {
    hint: 'take another name, or add to the list with --amend',
  })
}

export interface AddManifestRequest extends RegistrySettings {
  readonly list: string
  readonly image: string
  readonly all: boolean
  readonly changes: ListedChanges
}

/** @throws BryoError NOT_FOUND, and those of the image */
export async function addToManifestList(engine: Engine, request: AddManifestRequest): Promise<ManifestList> {
  const { name } = requireManifestList(engine.store, request.list)
  const found = await findListed(engine, request.image, { settings: request, all: request.all })
  const added = found.map((entry) => changed(entry, request.changes))
  return editManifestList(engine.store, name, (before) => ({
    name,
    annotations: before?.annotations ?? {},
    manifests: merge(before?.manifests ?? [], added),
  }))
}

/** @param which the digest of an entry, or an image of the store @throws BryoError NOT_FOUND */
export function annotateManifestList(
  { store }: Engine,
  text: string,
  { which, changes }: { readonly which: string; readonly changes: ListedChanges },
): ManifestList {
  const list = requireManifestList(store, text)
  const digest = digestFor(store, list, which)
  return editManifestList(store, list.name, (before = list) => ({
    ...before,
    manifests: before.manifests.map((entry) => (entry.digest === digest ? changed(entry, changes) : entry)),
  }))
}

/** Takes an image out of a list. @throws BryoError NOT_FOUND */
export function removeFromManifestList({ store }: Engine, text: string, which: string): ManifestList {
  const list = requireManifestList(store, text)
  const digest = digestFor(store, list, which)
  return editManifestList(store, list.name, (before = list) => ({
    ...before,
    manifests: before.manifests.filter((entry) => entry.digest !== digest),
  }))
}

/** @throws BryoError NOT_FOUND */
export function removeManifestList({ store }: Engine, text: string): ManifestList {
  const list = requireManifestList(store, text)
  removeFromStore(store, list.name)
  return list
}

/** The document that a push would send. */
export function documentOf(list: ManifestList, format: ManifestFormat = 'oci'): WrittenManifest {
  return writeIndex(list.manifests, { format, annotations: list.annotations })
}

/** What identifies the list as it is now. */
export function listDigest(list: ManifestList): Digest {
  return digestOf(documentOf(list).bytes)
}

/** The list of the store, or what a registry has under the name: an index or a manifest. @throws BryoError NOT_FOUND and those of a pull */
export async function inspectManifest(
  engine: Engine,
  text: string,
  settings: RegistrySettings,
): Promise<unknown> {
  const list = findManifestList(engine.store, text)
  if (list) return JSON.parse(Buffer.from(documentOf(list).bytes).toString('utf8'))
  const { reference } = await resolveRegistry(engine, text.replace(/^docker:\/\//, ''))
  const tagOrDigest = reference.digest ?? reference.tag ?? 'latest'
  const opened = await openPullSource(engine, settings, {
    reference,
    first: (repository) => repository.fetchManifest(tagOrDigest),
  })
  using _repository = opened.repository
  const { bytes } = opened.result
  const { parseJsonObject } = await import('../../image/json.ts')
  return parseJsonObject('image manifest', bytes, MAX_MANIFEST_SIZE)
}

function digestFor(store: Store, list: ManifestList, which: string): Digest {
  const digest = isDigest(which) ? which : findLocalImage(store, which)?.manifestDigest
  if (digest !== undefined && list.manifests.some((entry) => entry.digest === digest)) return digest
  throw new BryoError('NOT_FOUND', `cannot find "${which.slice(0, 200)}" in manifest list "${list.name}"`, {
    hint: `its digests: bryo manifest inspect ${list.name}`,
  })
}

/** One entry a digest; the later one counts. */
function merge(
  before: readonly ListedManifest[],
  added: readonly ListedManifest[],
): readonly ListedManifest[] {
  return [...new Map([...before, ...added].map((entry) => [entry.digest, entry])).values()]
}

function changed(entry: ListedManifest, changes: ListedChanges): ListedManifest {
  return {
    ...entry,
    os: changes.os ?? entry.os,
    architecture: changes.architecture ?? entry.architecture,
    variant: changes.variant ?? entry.variant,
    osVersion: changes.osVersion ?? entry.osVersion,
    osFeatures: changes.osFeatures?.length ? changes.osFeatures : entry.osFeatures,
    features: changes.features?.length ? changes.features : entry.features,
    annotations: { ...entry.annotations, ...changes.annotations },
  }
}
