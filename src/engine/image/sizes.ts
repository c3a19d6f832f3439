import type { Digest } from '../../base/brand.ts'
import type { ImageRecord } from '../../storage/image/record.ts'

/** Bytes of content of an image's layers. */
export interface ImageSizes {
  /** What other images have as well. */
  readonly shared: number
  /** What goes when the image goes. */
  readonly unique: number
}

/** A layer that an image has twice is on the disk once. Pure. */
export function sizesOf(images: readonly ImageRecord[]): ReadonlyMap<Digest, ImageSizes> {
  const users = new Map<Digest, number>()
  const layersOf = new Map(
    images.map((image) => [image.id, new Map(image.layers.map(({ diffId, size }) => [diffId, size]))]),
  )
  for (const layers of layersOf.values()) {
    for (const diffId of layers.keys()) users.set(diffId, (users.get(diffId) ?? 0) + 1)
  }
  return new Map(
    [...layersOf].map(([id, layers]) => {
      const sum = (wanted: (count: number) => boolean) =>
        [...layers].reduce(
          (total, [diffId, size]) => (wanted(users.get(diffId) ?? 0) ? total + size : total),
          0,
        )
      return [id, { shared: sum((count) => count > 1), unique: sum((count) => count <= 1) }]
    }),
  )
}
