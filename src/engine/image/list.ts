import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { readImage, readImages } from '../../storage/image/images.ts'
import type { ImageSummary } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { requireFound } from './find.ts'
import { matchesReference } from './referencePattern.ts'

/** Keys that {@link listImages} knows. */
export const IMAGE_FILTERS = ['before', 'dangling', 'id', 'label', 'reference', 'since'] as const

export interface ListImagesRequest {
  /** Values by key: an image must match all keys, and of each key at least one value (of `label` every value). */
  readonly filters?: ReadonlyMap<string, readonly string[]> | undefined
  /** Names or ids: only these. */
  readonly names?: readonly string[] | undefined
}

export interface ListedImage {
  readonly id: Digest
  readonly manifestDigest: Digest
  /** Full names that the filters left; empty for `<none>`. */
  readonly names: readonly string[]
  readonly repoDigests: readonly string[]
  /** RFC 3339. */
  readonly created: string
  /** Bytes of all layers' content. */
  readonly size: number
}

/** The images of the store, the newest first. @throws BryoError USAGE, NOT_FOUND for `before` and `since` */
export function listImages(engine: Engine, request: ListImagesRequest = {}): readonly ListedImage[] {
  const images = readImages(engine.store)
  const filters = [...(request.filters ?? [])]
  const keep = filters.map(([key, values]) => filterOf(engine, images, { key, values }))
  const patterns = [...(request.names ?? []), ...(request.filters?.get('reference') ?? [])]
  return images
    .filter((image) => keep.every((matches) => matches(image)))
    .map((image) => withFittingNames(image, patterns))
    .filter((image) => image !== undefined)
    .sort((a, b) => b.created.localeCompare(a.created))
}

type Matches = (image: ImageSummary) => boolean

function filterOf(
  engine: Engine,
  images: readonly ImageSummary[],
  { key, values }: { readonly key: string; readonly values: readonly string[] },
): Matches {
  switch (key) {
    case 'dangling': {
      const wanted = values.map((value) => booleanOf(key, value))
      return (image) => wanted.includes(image.names.length === 0)
    }
    case 'id':
      return (image) =>
        values.some((value) => image.id.replace('sha256:', '').startsWith(value.replace('sha256:', '')))
    case 'label':
      return (image) => {
        const labels = readImage(engine.store, image)?.config.labels ?? {}
        return values.every((value) => hasLabel(labels, value))
      }
    case 'before':
    case 'since': {
      const times = values.map((value) => requireFound(images, value).summary.created)
      return (image) => times.some((time) => (key === 'before' ? image.created < time : image.created > time))
    }
    case 'reference':
      return () => true
    default:
      throw new BryoError('USAGE', `unknown filter "${key}", expected one of ${IMAGE_FILTERS.join(', ')}`)
  }
}

function withFittingNames(image: ImageSummary, patterns: readonly string[]): ListedImage | undefined {
  if (patterns.length === 0) return image
  const names = image.names.filter((name) => patterns.some((pattern) => matchesReference(pattern, name)))
  const byId = patterns.some(
    (pattern) => /^[0-9a-f]{3,64}$/.test(pattern) && image.id.includes(`:${pattern}`),
  )
  if (names.length > 0) return { ...image, names }
  return byId ? image : undefined
}

function booleanOf(key: string, value: string): boolean {
  if (/^(?:true|1|t)$/i.test(value)) return true
  if (/^(?:false|0|f)$/i.test(value)) return false
  throw new BryoError('USAGE', `invalid filter "${key}=${value}", expected true or false`)
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals === -1) return Object.hasOwn(labels, wanted)
  const key = wanted.slice(0, equals)
  return Object.hasOwn(labels, key) && labels[key] === wanted.slice(equals + 1)
}
