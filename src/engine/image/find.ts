import { BryoError } from '../../base/errors.ts'
import { formatReference, isReference, localCandidates } from '../../image/reference.ts'
import { findImage, readAs } from '../../storage/image/images.ts'
import { repoDigestsOf } from '../../storage/image/manifests.ts'
import type { ImageRecord, ImageSummary } from '../../storage/image/record.ts'
import type { Store } from '../../storage/store.ts'

export interface FoundImage {
  readonly summary: ImageSummary
  /** The full name that was meant; undefined where the text is an id or a digest. */
  readonly name: string | undefined
  /** The full name, name with a digest, or id that found it. */
  readonly key: string
}

/**
 * What a text of the user means among the images of the store: a name (one below `localhost/` first), a name with a digest, an id or
 * its first digits. undefined where nothing fits.
 * @throws BryoError AMBIGUOUS
 */
export function findAmong(images: readonly ImageSummary[], text: string): FoundImage | undefined {
  const candidates = isReference(text) ? localCandidates(text).map(formatReference) : []
  for (const name of candidates) {
    const named = images.find((image) => image.names.includes(name))
    if (named) return { summary: named, name, key: name }
    const digested = name.includes('@') && images.find((image) => repoDigestsOf(image).includes(name))
    if (digested) return { summary: digested, name: undefined, key: name }
  }
  const summary = findById(images, text)
  return summary && { summary, name: undefined, key: text }
}

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/

function findById(images: readonly ImageSummary[], text: string): ImageSummary | undefined {
  const digits = ID_PREFIX.exec(text)?.[1]
  if (digits === undefined) return undefined
  const [first, ...others] = images.filter((image) => image.id.startsWith(`sha256:${digits}`))
  if (others.length === 0) return first
  throw new BryoError(
    'AMBIGUOUS',
    `cannot find image "${text}": ${others.length + 1} ids start with it, expected one`,
  )
}

/** As {@link findAmong}: the whole record, without reading all others. */
export function findLocalImage(store: Store, text: string): ImageRecord | undefined {
  const candidates = isReference(text) ? localCandidates(text).map(formatReference) : []
  for (const name of [...candidates, text]) {
    const found = findImage(store, name)
    if (found) return found
  }
  return undefined
}

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function requireFound(images: readonly ImageSummary[], text: string): FoundImage {
  const found = findAmong(images, text)
  if (!found) throw unknownImage(text)
  return found
}

/** The whole record, in the form in which the image came under what found it. @throws BryoError NOT_FOUND where it is gone by now */
export function readFound(store: Store, { summary, key }: FoundImage): ImageRecord {
  const record = readAs(store, summary, key)
  if (!record) throw unknownImage(key)
  return record
}

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function requireLocalImage(store: Store, text: string): ImageRecord {
  const record = findLocalImage(store, text)
  if (!record) throw unknownImage(text)
  return record
}

export function unknownImage(text: string): BryoError {
  return new BryoError('NOT_FOUND', `${text.slice(0, 300)}: image not known`, {
    hint: 'see what is there: bryo images; fetch one: bryo pull IMAGE',
  })
}

/** @throws BryoError UNSUPPORTED for an image of an additional store, which is never written */
export function refuseReadOnly({ id, names, readOnly = false }: ImageSummary, verb: string): void {
  if (!readOnly) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot ${verb} image "${names[0] ?? id}": it lies in an additional store, which is read-only`,
  )
}
