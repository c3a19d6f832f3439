import { BryoError } from '../../base/errors.ts'
import { matchesLabel } from '../../base/labels.ts'
import { readContainers } from '../../storage/container/find.ts'
import { readImage } from '../../storage/image/images.ts'
import { repoDigestsOf } from '../../storage/image/manifests.ts'
import type { ImageSummary } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { requireFound } from './find.ts'
import { intermediateIds, readNodes } from './relations.ts'

/** Keys of filters of images. */
export const IMAGE_FILTERS = [
  'after',
  'before',
  'containers',
  'dangling',
  'digest',
  'id',
  'intermediate',
  'label',
  'label!',
  'readonly',
  'reference',
  'since',
  'until',
] as const

export interface FilterWords {
  readonly key: string
  readonly values: readonly string[]
  /** A time of `until`, as milliseconds since 1970. */
  readonly momentOf: (text: string) => number
}

type Matches = (image: ImageSummary) => boolean

/** @param images all that there are. @throws BryoError USAGE, NOT_FOUND for an image that a filter names */
export function filterOf(engine: Engine, images: readonly ImageSummary[], words: FilterWords): Matches {
  const { key, values, momentOf } = words
  switch (key) {
    case 'id':
      return ({ id }) => values.some((value) => id.startsWith(`sha256:${value.replace('sha256:', '')}`))
    case 'digest':
      return (image) => digestsOf(image).some((digest) => values.some((value) => digest.startsWith(value)))
    case 'label':
    case 'label!':
      return (image) => {
        const labels = readImage(engine.store, image)?.config.labels ?? {}
        return values.every((value) => matchesLabel(labels, value) === (key === 'label'))
      }
    case 'after':
    case 'before':
    case 'since': {
      const times = values.map((value) => requireFound(images, value).summary.created)
      return ({ created }) => times.some((time) => (key === 'before' ? created < time : created > time))
    }
    case 'until': {
      const times = values.map(momentOf)
      return ({ created }) => times.some((time) => Date.parse(created) < time)
    }
    case 'reference':
      return () => true
    default:
      return booleanFilter(engine, images, words)
  }
}

/** Of all its manifests that are known by a name or a digest. */
function digestsOf(image: ImageSummary): readonly string[] {
  return [image.manifestDigest, ...repoDigestsOf(image).map((text) => text.slice(text.indexOf('@') + 1))]
}

function booleanFilter(
  engine: Engine,
  images: readonly ImageSummary[],
  { key, values }: FilterWords,
): Matches {
  const holds = factOf(engine, images, key)
  const wanted = values.map((value) => booleanOf(key, value))
  return (image) => wanted.includes(holds(image))
}

function factOf(engine: Engine, images: readonly ImageSummary[], key: string): Matches {
  switch (key) {
    case 'dangling':
      return ({ names }) => names.length === 0
    case 'containers': {
      const users = new Set(readContainers(engine.store).map(({ image }) => image?.id))
      return ({ id }) => users.has(id)
    }
    case 'intermediate': {
      const found = intermediateIds(readNodes(engine.store, images))
      return ({ id }) => found.has(id)
    }
    case 'readonly':
      return ({ readOnly = false }) => readOnly
    default:
      throw new BryoError('USAGE', `unknown filter "${key}", expected one of ${IMAGE_FILTERS.join(', ')}`)
  }
}

function booleanOf(key: string, value: string): boolean {
  if (/^(?:true|1|t)$/i.test(value)) return true
  if (/^(?:false|0|f)$/i.test(value)) return false
  throw new BryoError('USAGE', `invalid filter "${key}=${value}", expected true or false`)
}
