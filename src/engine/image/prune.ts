import { readdirSync, statSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { readContainers } from '../../storage/container/find.ts'
import { collectGarbage } from '../../storage/gc.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { dropImage } from '../../storage/image/edit.ts'
import { readImage, readImages } from '../../storage/image/images.ts'
import type { ImageSummary } from '../../storage/image/record.ts'
import { readLayers } from '../../storage/layer/layers.ts'
import { recoverStore } from '../../storage/recover.ts'
import type { Engine } from '../engine.ts'
import { notePrune } from '../pruneEvent.ts'
import { fitsPruneFilter, type PruneFilter } from '../pruneFilter.ts'
import { listsAsImages } from '../registry/listsAsImages.ts'
import { removeManifestList } from '../registry/manifestList.ts'
import { noteImage } from './event.ts'

export interface PruneImagesRequest {
  /** Images with names too. */
  readonly all: boolean
  readonly filter: PruneFilter
}

export interface PrunedImages {
  readonly ids: readonly Digest[]
  /** Bytes of the blobs and layers that went. */
  readonly bytes: number
}

/**
 * Removes the images that no container has, with `all` manifest lists too, and all blobs and layers that nothing uses. Where a pull or a start is going on, the
 * latter wait for a later command.
 */
export function pruneImages(engine: Engine, { all, filter }: PruneImagesRequest): PrunedImages {
  const { store, runInUserns } = engine
  recoverStore(store, runInUserns)
  const used = new Set(readContainers(store).map((container) => container.image?.id))
  const ids = readImages(store)
    .filter((image) => (all || image.names.length === 0) && !used.has(image.id))
    .filter((image) => fitsPruneFilter(filter, { labels: labelsOf(engine, image), created: image.created }))
    .filter((image) => tryDrop(engine, image))
    .map((image) => image.id)
  const lists = all ? pruneLists(engine, filter) : []
  const before = storedBytes(engine)
  collectGarbage(store, { runInUserns, partials: all })
  const bytes = Math.max(0, before - storedBytes(engine))
  notePrune(store, 'image', bytes)
  return { ids: [...ids, ...lists], bytes }
}

function pruneLists(engine: Engine, filter: PruneFilter): readonly Digest[] {
  const gone = listsAsImages(engine).filter(({ created }) => fitsPruneFilter(filter, { labels: {}, created }))
  for (const name of gone.flatMap(({ names }) => names)) removeManifestList(engine, name)
  return gone.map(({ id }) => id)
}

/** Bytes of all blobs and layers. */
function storedBytes({ store }: Engine): number {
  const blobs = readdirSync(store.blobs).map(
    (name) => statSync(hostPath(store.blobs, name), { throwIfNoEntry: false })?.size ?? 0,
  )
  return [...blobs, ...readLayers(store).map(({ size }) => size)].reduce((sum, size) => sum + size, 0)
}

function labelsOf({ store }: Engine, image: ImageSummary): Readonly<Record<string, string>> {
  return readImage(store, image)?.config.labels ?? {}
}

/** False where another process has just removed it. */
function tryDrop({ store }: Engine, { id, names }: ImageSummary): boolean {
  try {
    dropImage(store, id)
  } catch (error) {
    if (error instanceof BryoError && error.code === 'NOT_FOUND') return false
    throw error
  }
  noteImage(store, 'remove', { id, name: names[0] })
  return true
}
