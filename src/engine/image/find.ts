import { BryoError } from '../../base/errors.ts'
import { formatReference, isReference, localCandidates } from '../../image/reference.ts'
import { findSummary, readImage, readImages } from '../../storage/image/images.ts'
import type { ImageRecord, ImageSummary } from '../../storage/image/record.ts'
import type { Store } from '../../storage/store.ts'

export interface FoundImage {
  readonly summary: ImageSummary
  /** The full name that was meant; undefined where the text is an id or a digest. */
  readonly name: string | undefined
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
    if (named) return { summary: named, name }
    const digested = images.find((image) => image.repoDigests.includes(name))
    if (digested) return { summary: digested, name: undefined }
  }
  const summary = findSummary(images, text)
  return summary && { summary, name: undefined }
}

/** As {@link findAmong}: the whole record. */
export function findLocalImage(store: Store, text: string): ImageRecord | undefined {
  const found = findAmong(readImages(store), text)
  return found && readImage(store, found.summary)
}

/** @throws BryoError NOT_FOUND, AMBIGUOUS */
export function requireFound(images: readonly ImageSummary[], text: string): FoundImage {
  const found = findAmong(images, text)
  if (!found) throw unknownImage(text)
  return found
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
