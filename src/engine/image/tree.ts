import type { Digest } from '../../base/brand.ts'
import { readAllImages, readImage } from '../../storage/image/images.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { requireLocalImage } from './find.ts'

/** A layer on which others stand. */
export interface LayerNode {
  readonly diffId: Digest
  readonly size: number
  /** Full names of the images whose topmost layer it is. */
  readonly topOf: readonly string[]
  readonly above: readonly LayerNode[]
}

export interface ImageTree {
  readonly id: Digest
  readonly names: readonly string[]
  readonly size: number
  /** What stands on nothing: the image's lowest layer, or none. */
  readonly layers: readonly LayerNode[]
}

/**
 * The layers of an image, from the lowest one up; with `requires`, instead, the image's topmost layer and all layers of other images that
 * stand on it.
 * @throws BryoError NOT_FOUND
 */
export function imageTree(engine: Engine, text: string, requires: boolean): ImageTree {
  const { store } = engine
  const image = requireLocalImage(store, text)
  const images = readAllImages(store).flatMap((summary) => readImage(store, summary) ?? [])
  const layers = requires ? standingOn(image, images) : chainOf(image, images)
  return { id: image.id, names: image.names, size: image.size, layers }
}

function chainOf(image: ImageRecord, images: readonly ImageRecord[]): readonly LayerNode[] {
  return image.layers.reduceRight<readonly LayerNode[]>((above, { diffId, size }, index) => {
    const chain = image.layers.slice(0, index + 1)
    return [{ diffId, size, topOf: namesOf(chain, images), above }]
  }, [])
}

type Layers = ImageRecord['layers']

function namesOf(chain: Layers, images: readonly ImageRecord[]): readonly string[] {
  return images
    .filter(({ layers }) => layers.length === chain.length && startsWith(layers, chain))
    .flatMap(({ names }) => names)
}

function startsWith(layers: Layers, chain: Layers): boolean {
  return chain.every(({ diffId }, index) => layers[index]?.diffId === diffId)
}

function standingOn(image: ImageRecord, images: readonly ImageRecord[]): readonly LayerNode[] {
  const node = (chain: Layers): readonly LayerNode[] => {
    const top = chain.at(-1)
    if (!top) return []
    const next = new Map(
      images
        .filter(({ layers }) => layers.length > chain.length && startsWith(layers, chain))
        .map(({ layers }) => [layers[chain.length]?.diffId, layers.slice(0, chain.length + 1)]),
    )
    const above = [...next.values()].flatMap(node)
    return [{ diffId: top.diffId, size: top.size, topOf: namesOf(chain, images), above }]
  }
  return node(image.layers)
}
