import type { Digest } from '../../base/brand.ts'
import { readAllImages } from '../../storage/image/images.ts'
import type { Engine } from '../engine.ts'
import { requireLocalImage } from './find.ts'
import { isMadeOf, readHistory, readNodes } from './relations.ts'

/** A step in which an image was made. */
export interface HistoryStep {
  /** The image that this step made, where the store has it. */
  readonly id: Digest | undefined
  /** RFC 3339; undefined where the image does not say. */
  readonly created: string | undefined
  readonly createdBy: string
  readonly comment: string
  /** Bytes of the layer's content; 0 where the step made none. */
  readonly size: number
  /** Full names of the image. */
  readonly names: readonly string[]
}

/** How an image was made, the last step first. Layers that no step tells of stand as steps without words. @throws BryoError NOT_FOUND */
export function imageHistory(engine: Engine, text: string): readonly HistoryStep[] {
  const { store } = engine
  const image = requireLocalImage(store, text)
  const node = { record: image, history: readHistory(store, image.id) }
  const others = readNodes(store, readAllImages(store)).filter((other) => isMadeOf(node, other))
  const made = (count: number) => others.find(({ history }) => history.length === count)?.record
  let layer = 0
  const steps: HistoryStep[] = node.history.map((entry, index) => {
    const result = index === node.history.length - 1 ? image : made(index + 1)
    return {
      id: result?.id,
      created: entry.created,
      createdBy: entry.createdBy ?? '',
      comment: entry.comment ?? '',
      size: entry.emptyLayer ? 0 : (image.layers[layer++]?.size ?? 0),
      names: result?.names ?? [],
    }
  })
  const untold = image.layers.slice(layer).map(({ size }, index, all) => ({
    id: index === all.length - 1 ? image.id : undefined,
    created: undefined,
    createdBy: '',
    comment: '',
    size,
    names: index === all.length - 1 ? image.names : [],
  }))
  return [...steps, ...untold].reverse()
}
