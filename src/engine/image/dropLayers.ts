import type { Digest } from '../../base/brand.ts'
import { readContainers } from '../../storage/container/find.ts'
import { tryLockAgainstAdding } from '../../storage/image/edit.ts'
import { readImage, readImages } from '../../storage/image/images.ts'
import { removeLayer } from '../../storage/layer/layers.ts'
import type { Engine } from '../engine.ts'

/**
 * Removes those of the layers that neither an image nor a container has. Nothing happens while another process is adding an
 * image, which may be about to use them: collectGarbage() comes by later.
 */
export function dropUnusedLayers(engine: Engine, diffIds: readonly Digest[]): void {
  if (diffIds.length === 0) return
  const { store } = engine
  using lock = tryLockAgainstAdding(store)
  if (!lock) return
  const images = readImages(store).flatMap((summary) => readImage(store, summary) ?? [])
  const used = new Set([
    ...images.flatMap((image) => image.layers.map((layer) => layer.diffId)),
    ...readContainers(store).flatMap((container) => container.layers),
  ])
  for (const diffId of diffIds) {
    if (!used.has(diffId)) removeLayer(store, diffId, engine.runInUserns)
  }
}
