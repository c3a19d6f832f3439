import type { Digest } from '../../base/brand.ts'
import { readContainers } from '../../storage/container/find.ts'
import { readAllImages } from '../../storage/image/images.ts'
import type { ImageSummary } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { filterOf } from './listFilter.ts'
import { matchesReference } from './referencePattern.ts'
import { intermediateIds, parentsOf, readNodes } from './relations.ts'
import { type ImageSizes, sizesOf } from './sizes.ts'

export interface ListImagesRequest {
  /** Values by key: an image must match all keys, and of each key at least one value (of `label` every value). */
  readonly filters?: ReadonlyMap<string, readonly string[]> | undefined
  /** Names or ids: only these. */
  readonly names?: readonly string[] | undefined
  /** Also images without a name that others were made of; true by default. */
  readonly intermediate?: boolean | undefined
  /** What is to be shown beside the images of the store, such as manifest lists. */
  readonly others?: readonly ImageSummary[] | undefined
  /** A time of the filter `until`, as milliseconds since 1970. */
  readonly momentOf?: ((text: string) => number) | undefined
}

/** What of all images must be read to be known. */
export interface ListedDetails {
  readonly labels: Readonly<Record<string, string>>
  /** How many containers have it. */
  readonly containers: number
  readonly sizes: ImageSizes
  /** The image that it was made of, where the store has it. */
  readonly parent: Digest | undefined
}

/** Reads every image of the store, whichever was asked for: others share its layers. */
export function describeListed({ store }: Engine): (id: Digest) => ListedDetails {
  const nodes = readNodes(store, readAllImages(store))
  const sizes = sizesOf(nodes.map(({ record }) => record))
  const users = readContainers(store).map(({ image }) => image?.id)
  return (id) => {
    const node = nodes.find(({ record }) => record.id === id)
    return {
      labels: node?.record.config.labels ?? {},
      containers: users.filter((user) => user === id).length,
      sizes: sizes.get(id) ?? { shared: 0, unique: 0 },
      parent: node && parentsOf(node, nodes)[0]?.record.id,
    }
  }
}

/** The images of the store, the newest first, with the names that the filters leave. @throws BryoError USAGE, NOT_FOUND for `before` and `since` */
export function listImages(engine: Engine, request: ListImagesRequest = {}): readonly ImageSummary[] {
  const images = [...readAllImages(engine.store), ...(request.others ?? [])]
  const filters = [...(request.filters ?? [])]
  const keep = filters.map(([key, values]) =>
    filterOf(engine, images, { key, values, momentOf: request.momentOf ?? Date.parse }),
  )
  if (request.intermediate === false && images.some(({ names }) => names.length === 0)) {
    const hidden = intermediateIds(readNodes(engine.store, images))
    keep.push(({ id }) => !hidden.has(id))
  }
  const patterns = [...(request.names ?? []), ...(request.filters?.get('reference') ?? [])]
  return images
    .filter((image) => keep.every((matches) => matches(image)))
    .map((image) => withFittingNames(image, patterns))
    .filter((image) => image !== undefined)
    .sort((a, b) => b.created.localeCompare(a.created))
}

function withFittingNames(image: ImageSummary, patterns: readonly string[]): ImageSummary | undefined {
  if (patterns.length === 0) return image
  const names = image.names.filter((name) => patterns.some((pattern) => matchesReference(pattern, name)))
  const byId = patterns.some(
    (pattern) => /^[0-9a-f]{3,64}$/.test(pattern) && image.id.includes(`:${pattern}`),
  )
  if (names.length > 0) return { ...image, names }
  return byId ? image : undefined
}
