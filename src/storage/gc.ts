import { readdirSync, rmSync } from 'node:fs'
import type { Digest } from '../base/brand.ts'
import { digestHex, isDigest } from '../base/digest.ts'
import { removeBlob } from './blob/read.ts'
import { readContainers } from './container/find.ts'
import { hostPath } from './hostPath.ts'
import { dropImage, tryLockAgainstAdding } from './image/edit.ts'
import { readImage, readImages } from './image/images.ts'
import { blobsOf } from './image/manifests.ts'
import { readLayers, removeLayer } from './layer/layers.ts'
import { acquireLock } from './lock.ts'
import type { RunInUserns } from './runInUserns.ts'
import type { Store } from './store.ts'

export interface GarbageOptions {
  readonly runInUserns?: RunInUserns | undefined
  /** Interrupted downloads too, which a later pull could have resumed. */
  readonly partials: boolean
}

export interface Garbage {
  readonly blobs: readonly Digest[]
  readonly layers: readonly Digest[]
}

/**
 * Removes blobs and layers that no image and no container uses.
 * @returns what was removed; undefined where nothing was tried because a pull, load or start is going on
 */
export function collectGarbage(store: Store, options: GarbageOptions): Garbage | undefined {
  using lock = tryLockAgainstAdding(store)
  if (!lock) return undefined
  const used = readUsed(store)
  const blobs = readBlobs(store).filter((digest) => !used.blobs.has(digest))
  for (const digest of blobs) removeBlob(store, digest)
  const layers = readLayers(store)
    .map((layer) => layer.diffId)
    .filter((diffId) => !used.layers.has(diffId))
  for (const diffId of layers) removeLayer(store, diffId, options.runInUserns)
  removeDetails(store, used.images)
  if (options.partials) removePartials(store)
  return { blobs, layers }
}

/** Takes the image out of the index and frees what only it used. @throws BryoError NOT_FOUND */
export function removeImage(store: Store, id: Digest, runInUserns?: RunInUserns): Garbage | undefined {
  dropImage(store, id)
  return collectGarbage(store, { runInUserns, partials: false })
}

interface Used {
  readonly images: ReadonlySet<Digest>
  readonly blobs: ReadonlySet<Digest>
  readonly layers: ReadonlySet<Digest>
}

function readUsed(store: Store): Used {
  const images = readImages(store).flatMap((summary) => readImage(store, summary) ?? [])
  const imageLayers = images.flatMap((image) => image.layers)
  return {
    images: new Set(images.map((image) => image.id)),
    blobs: new Set(images.flatMap(blobsOf)),
    layers: new Set([
      ...imageLayers.map((layer) => layer.diffId),
      ...readContainers(store).flatMap((container) => container.layers),
    ]),
  }
}

function readBlobs(store: Store): readonly Digest[] {
  return readdirSync(store.blobs)
    .map((hex) => `sha256:${hex}`)
    .filter(isDigest)
}

/** Files of images that a killed process put without naming them in the index. */
function removeDetails(store: Store, used: ReadonlySet<Digest>): void {
  const known = new Set([...used].map((id) => `${digestHex(id)}.json`))
  for (const name of readdirSync(store.images)) {
    if (!known.has(name)) rmSync(hostPath(store.images, name), { force: true })
  }
}

function removePartials(store: Store): void {
  for (const name of readdirSync(store.partial)) {
    acquireLock(hostPath(store.partial, name), { mode: 'exclusive', wait: false })?.remove()
  }
}
