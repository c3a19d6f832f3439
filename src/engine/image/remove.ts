import type { ContainerId, Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { readContainers } from '../../storage/container/find.ts'
import { removeImage as removeFromStore } from '../../storage/gc.ts'
import { untagImage } from '../../storage/image/edit.ts'
import { readImages } from '../../storage/image/images.ts'
import type { Engine } from '../engine.ts'
import { noteImage } from './event.ts'
import { requireFound } from './find.ts'

export interface RemoveImageRequest {
  /** A name or an id. */
  readonly image: string
  readonly force?: boolean | undefined
  /** With `force`: removes the containers that use the image. Without it they stay, and keep the layers that they need. */
  readonly removeContainers?: ((ids: readonly ContainerId[]) => Promise<void>) | undefined
}

export interface RemovedImage {
  /** Full names. */
  readonly untagged: readonly string[]
  readonly deleted: readonly Digest[]
}

/**
 * Takes a name away, and with the last one the image. By id, the image goes with its one name; with `force`, with all of them.
 * @throws BryoError NOT_FOUND, AMBIGUOUS, IN_USE
 */
export async function removeImage(engine: Engine, request: RemoveImageRequest): Promise<RemovedImage> {
  const { image: text, force = false } = request
  const { summary, name } = requireFound(readImages(engine.store), text)
  const { id, names } = summary
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
      `cannot remove image "${text}": image is in use by container ${first.id.slice(0, 12)}`,
      {
        hint: 'remove the container first, or use --force',
      },
    )
  }
  if (first) await request.removeContainers?.(users.map((container) => container.id))
  removeFromStore(engine.store, id, engine.runInUserns)
  noteImage(engine.store, 'remove', { id, name: names[0] })
  return { untagged: names, deleted: [id] }
}
