import type { Digest, HostPath } from '../../base/brand.ts'
import { digestHex, isDigest } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import { hostPath } from '../hostPath.ts'
import { type Fields, fieldsOf, readJsonFile } from '../json.ts'
import type { Store } from '../store.ts'
import { manifestNamed, repoDigestsOf, withManifest } from './manifests.ts'
import {
  type ImageRecord,
  type ImageSummary,
  parseDetail,
  parseNamedManifests,
  parseSummary,
} from './record.ts'

/** All images, in the order in which they came. Takes no lock. */
export function readImages(store: Store): readonly ImageSummary[] {
  return readIndex(store).map((fields) => parseSummary(fields))
}

/** As {@link readImages}, and those of additional stores that the store itself has not, marked as read-only. */
export function readAllImages(store: Store): readonly ImageSummary[] {
  const own = readImages(store)
  if (store.additional === undefined) return own
  const seen = new Map(own.map((image) => [image.id, image]))
  const names = new Set(own.flatMap((image) => image.names))
  for (const other of store.additional) {
    for (const image of readImages(other)) {
      if (seen.has(image.id)) continue
      // A name means the image of the store that comes first.
      const left = image.names.filter((name) => !names.has(name))
      seen.set(image.id, { ...image, names: left, readOnly: true })
      for (const name of left) names.add(name)
    }
  }
  return [...seen.values()]
}

function readIndex(store: Store): readonly Fields[] {
  const content = readJsonFile(store.imageIndex)
  return content === undefined ? [] : fieldsOf(content, store.imageIndex).list('images', (fields) => fields)
}

export function imageDetailPath(store: Store, id: Digest): HostPath {
  return hostPath(store.images, `${digestHex(id)}.json`)
}

/** The whole record; undefined where the image is gone by now. */
export function readImage(store: Store, summary: ImageSummary): ImageRecord | undefined {
  const holder = summary.readOnly ? holderOf(store, summary.id) : store
  const path = imageDetailPath(holder, summary.id)
  const content = readJsonFile(path)
  return content === undefined ? undefined : { ...summary, ...parseDetail(fieldsOf(content, path), path) }
}

function holderOf(store: Store, id: Digest): Store {
  return store.additional?.find((other) => readImages(other).some((image) => image.id === id)) ?? store
}

/**
 * An image by its exact name, in the form in which it came under that one (or repository digest), its id, or the first digits of its id. undefined where none fits.
 * @throws BryoError AMBIGUOUS where the digits fit several
 */
export function findImage(store: Store, nameOrId: string): ImageRecord | undefined {
  // Only the one that is found is parsed: an index may have a thousand.
  const found = find(readIndex(store), nameOrId, {
    names: (image) => image.texts('names'),
    repoDigests: (image) =>
      repoDigestsOf({
        names: image.texts('names'),
        repoDigests: image.texts('repoDigests'),
        manifestDigest: image.digest('manifestDigest'),
        namedManifests: image.has('namedManifests') ? parseNamedManifests(image) : [],
      }),
    id: (image) => image.text('id'),
  })
  if (found) return readAs(store, parseSummary(found), nameOrId)
  if (store.additional === undefined) return undefined
  const other = findSummary(readAllImages(store), nameOrId)
  return other && readAs(store, other, nameOrId)
}

/** The whole record, in the form of the manifest that a text means which found it; undefined where the image is gone by now. */
export function readAs(store: Store, summary: ImageSummary, nameOrId: string): ImageRecord | undefined {
  const image = readImage(store, summary)
  return image && withManifest(image, manifestMeant(summary, nameOrId))
}

function manifestMeant(summary: ImageSummary, nameOrId: string): Digest | undefined {
  if (summary.names.includes(nameOrId)) return manifestNamed(summary, nameOrId)
  const digest = nameOrId.slice(nameOrId.indexOf('@') + 1)
  return isDigest(digest) ? digest : undefined
}

/** As {@link findImage}, among images that were read. */
function findSummary(images: readonly ImageSummary[], nameOrId: string): ImageSummary | undefined {
  const keys: Keys<ImageSummary> = {
    names: (image) => image.names,
    repoDigests: repoDigestsOf,
    id: (image) => image.id,
  }
  return find(images, nameOrId, keys)
}

interface Keys<T> {
  readonly names: (image: T) => readonly string[]
  readonly repoDigests: (image: T) => readonly string[]
  readonly id: (image: T) => string
}

function find<T>(images: readonly T[], nameOrId: string, keys: Keys<T>): T | undefined {
  return (
    images.find((image) => keys.names(image).includes(nameOrId)) ??
    (nameOrId.includes('@')
      ? images.find((image) => keys.repoDigests(image).includes(nameOrId))
      : undefined) ??
    findById(images, nameOrId, keys.id)
  )
}

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/

function findById<T>(images: readonly T[], text: string, id: (image: T) => string): T | undefined {
  const digits = ID_PREFIX.exec(text)?.[1]
  if (digits === undefined) return undefined
  const found = images.filter((image) => id(image).startsWith(`sha256:${digits}`))
  if (found.length <= 1) return found[0]
  const ids = found.map((image) => shortId(id(image))).join(', ')
  throw new BryoError(
    'AMBIGUOUS',
    `cannot find image "${text}": ${found.length} ids start with it (${ids}), expected one`,
  )
}
