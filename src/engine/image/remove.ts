import type { ContainerId, Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import { readContainers } from '../../storage/container/find.ts'
import { collectGarbage, removeImage as removeFromStore } from '../../storage/gc.ts'
import { dropImage, forgetDigest, untagImage } from '../../storage/image/edit.ts'
import { readAllImages, readImages } from '../../storage/image/images.ts'
import { manifestNamed, manifestsOf } from '../../storage/image/manifests.ts'
import type { ImageRecord, ImageSummary } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { noteImage } from './event.ts'
import { readFound, refuseReadOnly, requireFound } from './find.ts'
import { isMadeOf, parentsOf, readNodes } from './relations.ts'

export interface RemoveImageRequest {
  /** A name or an id. */
  readonly image: string
  readonly force?: boolean | undefined
  /** Images without a name that this one was made of go with it, where nothing else needs them; true by default. */
  readonly prune?: boolean | undefined
  /** With `force`: removes the containers that use the image. Without it they stay, and keep the layers that they need. */
  readonly removeContainers?: ((ids: readonly ContainerId[]) => Promise<void>) | undefined
}

export interface RemovedImage {
  /** Full names. */
  readonly untagged: readonly string[]
  readonly deleted: readonly Digest[]
}

/**
 * Takes a name away, and with the last one the image; of an image with several manifests, a digest that none of its names means. By id, the image goes with its one name; with `force`, with all of them.
 * @throws BryoError NOT_FOUND, AMBIGUOUS, IN_USE
 */
export async function removeImage(engine: Engine, request: RemoveImageRequest): Promise<RemovedImage> {
  const { image: text, force = false } = request
  const found = requireFound(readAllImages(engine.store), text)
  const { summary, name, key } = found
  refuseReadOnly(summary, 'remove')
  const { id, names } = summary
  if (key.includes('@') && isOtherDigest(readFound(engine.store, found), key)) {
    forgetDigest(engine.store, id, key)
    collectGarbage(engine.store, { runInUserns: engine.runInUserns, partials: false })
    noteImage(engine.store, 'untag', { id, name: key })
    return { untagged: [key], deleted: [] }
  }
  if (name !== undefined && names.length > 1) {
    untagImage(engine.store, id, [name])
    noteImage(engine.store, 'untag', { id, name })
    return { untagged: [name], deleted: [] }
  }
  if (name === undefined && names.length > 1 && !force) {
    throw new BryoError(
      'IN_USE',
      `cannot remove image "${text}" by id: it has ${names.length} names (${names.join(', ')})`,
      {
        hint: 'remove its names one by one, or use --force',
      },
    )
  }
  const users = readContainers(engine.store).filter((container) => container.image?.id === id)
  const [first] = users
  if (first && !force) {
    throw new BryoError(
      'IN_USE',
      `cannot remove image "${text}": image is in use by container ${shortId(first.id)}`,
      {
        hint: 'remove the container first, or use --force',
      },
    )
  }
  if (first) await request.removeContainers?.(users.map((container) => container.id))
  const orphans = (request.prune ?? true) ? orphansOf(engine, summary) : []
  for (const orphan of orphans) dropImage(engine.store, orphan)
  removeFromStore(engine.store, id, engine.runInUserns)
  for (const gone of [id, ...orphans]) {
    noteImage(engine.store, 'remove', { id: gone, name: gone === id ? names[0] : undefined })
  }
  return { untagged: names, deleted: [id, ...orphans] }
}

/** Whether it is a digest that no name of the image has, of several manifests that it came with. */
function isOtherDigest(image: ImageRecord, key: string): boolean {
  if (!image.repoDigests.includes(key) || manifestsOf(image).length === 1) return false
  return image.names.every((name) => manifestNamed(image, name) !== image.manifestDigest)
}

/** Unnamed images that only this one was made of, the nearest first, up to one that somebody needs. */
function orphansOf({ store }: Engine, summary: ImageSummary): readonly Digest[] {
  const images = readImages(store)
  if (images.every(({ id, names }) => names.length > 0 || id === summary.id)) return []
  const nodes = readNodes(store, images)
  const node = nodes.find(({ record }) => record.id === summary.id)
  const users = new Set(readContainers(store).map(({ image }) => image?.id))
  const gone = new Set([summary.id])
  for (const parent of node ? parentsOf(node, nodes) : []) {
    const { id, names } = parent.record
    const isNeeded = nodes.some((other) => !gone.has(other.record.id) && isMadeOf(other, parent))
    if (names.length > 0 || users.has(id) || isNeeded) break
    gone.add(id)
  }
  gone.delete(summary.id)
  return [...gone]
}
