import type { Digest, HostPath } from '../../base/brand.ts'
import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import { hostPath } from '../hostPath.ts'
import { fieldsOf, readJsonFile } from '../json.ts'
import type { Store } from '../store.ts'
import { type ImageRecord, type ImageSummary, parseDetail, parseSummary } from './record.ts'

/** All images, in the order in which they came. Takes no lock. */
export function readImages(store: Store): readonly ImageSummary[] {
  const content = readJsonFile(store.imageIndex)
  return content === undefined ? [] : fieldsOf(content, store.imageIndex).list('images', parseSummary)
}

export function imageDetailPath(store: Store, id: Digest): HostPath {
  return hostPath(store.images, `${digestHex(id)}.json`)
}

/** The whole record; undefined where the image is gone by now. */
export function readImage(store: Store, summary: ImageSummary): ImageRecord | undefined {
  const path = imageDetailPath(store, summary.id)
  const content = readJsonFile(path)
  return content === undefined ? undefined : { ...summary, ...parseDetail(fieldsOf(content, path), path) }
}

/**
 * An image by its exact name (or repository digest), its id, or the first digits of its id. undefined where none fits.
 * @throws BryoError AMBIGUOUS where the digits fit several
 */
export function findImage(store: Store, nameOrId: string): ImageRecord | undefined {
  const summary = findSummary(readImages(store), nameOrId)
  return summary && readImage(store, summary)
}

/** As {@link findImage}, in an index that was read. */
export function findSummary(images: readonly ImageSummary[], nameOrId: string): ImageSummary | undefined {
  return (
    images.find((image) => image.names.includes(nameOrId)) ??
    images.find((image) => image.repoDigests.includes(nameOrId)) ??
    findById(images, nameOrId)
  )
}

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/

function findById(images: readonly ImageSummary[], text: string): ImageSummary | undefined {
  const prefix = ID_PREFIX.exec(text)?.[1]
  if (prefix === undefined) return undefined
  const found = images.filter((image) => digestHex(image.id).startsWith(prefix))
  if (found.length <= 1) return found[0]
  const ids = found.map((image) => digestHex(image.id).slice(0, 12)).join(', ')
  throw new BryoError(
    'AMBIGUOUS',
    `cannot find image "${text}": ${found.length} ids start with it (${ids}), expected one`,
  )
}
