import { readdirSync, renameSync, statSync } from 'node:fs'
import type { Digest, HostPath } from '../../base/brand.ts'
import { digestHex } from '../../base/digest.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { fieldsOf, readJsonFile } from '../json.ts'
import { makeDirectory } from '../makeDirectory.ts'
import type { RunInUserns } from '../runInUserns.ts'
import { imageFileMode, type Store } from '../store.ts'
import { removeTree } from '../tree/remove.ts'
import { beginWork, setAsideLeftover, type Work, waitForWork, workName } from '../work.ts'

/** An unpacked layer. Layers know nothing of each other: one serves every image that has its diff id. */
export interface Layer {
  readonly diffId: Digest
  /** Bytes of content. */
  readonly size: number
  /** It was made of others and can be again: nobody misses it, and nobody minds it. */
  readonly isDerived?: boolean
}

const SHORT_DIGITS = 16

/** The directory's name: short, so that the paths of 127 layers fit in one page of mount options. */
export function layerId(diffId: Digest): string {
  return digestHex(diffId).slice(0, SHORT_DIGITS)
}

/** The layer's content, what an overlay takes as lower directory: in the store itself, else in an additional one that has it. */
export function layerDiffPath(store: Store, diffId: Digest): HostPath {
  const holder = hasLayer(store, diffId)
    ? undefined
    : store.additional?.find((other) => hasLayer(other, diffId))
  return hostPath((holder ?? store).layers, layerId(diffId), 'diff')
}

/** Whether it is kept for several users: owners and modes are in attributes, which only fuse-overlayfs reads. */
export function isSharedLayer(store: Store, diffId: Digest): boolean {
  const holder = [store, ...(store.additional ?? [])].find((one) => hasLayer(one, diffId))
  return holder?.shared ?? false
}

/** True once it is unpacked as a whole. */
export function hasLayer(store: Store, diffId: Digest): boolean {
  return statSync(hostPath(store.layers, layerId(diffId)), { throwIfNoEntry: false }) !== undefined
}

/**
 * undefined where the store has no such layer.
 * @throws BryoError STORAGE where its place is taken by a layer with the same first digits
 */
export function readLayer(store: Store, diffId: Digest): Layer | undefined {
  const layer = readLayerFile(store, layerId(diffId))
  if (!layer || layer.diffId === diffId) return layer
  throw new BryoError(
    'STORAGE',
    `cannot use layer "${diffId}": the store has ${layer.diffId}, which starts with the same ${SHORT_DIGITS} digits`,
  )
}

export function readLayers(store: Store): readonly Layer[] {
  return readdirSync(store.layers).flatMap((id) => readLayerFile(store, id) ?? [])
}

function readLayerFile(store: Store, id: string): Layer | undefined {
  const path = hostPath(store.layers, id, 'layer.json')
  const content = readJsonFile(path)
  if (content === undefined) return undefined
  const fields = fieldsOf(content, path)
  const layer = { diffId: fields.digest('diffId'), size: fields.number('size') }
  return fields.has('isDerived') ? { ...layer, isDerived: fields.flag('isDerived') } : layer
}

/** A layer being unpacked; `using` discards it where it was not committed. */
export interface LayerDraft extends Disposable {
  /** The directory to unpack into: empty, mode 0755. */
  readonly directory: HostPath
  /** Makes the layer visible, and ends the draft. */
  commit(facts: Omit<Layer, 'diffId'>): Layer
  /** Removes what was unpacked; does nothing after `commit`. */
  discard(): void
}

/**
 * Begins to unpack a layer. Where another process is at it, waits for its end.
 * @returns undefined where the layer is there
 */
export async function beginLayer(
  store: Store,
  diffId: Digest,
  runInUserns?: RunInUserns,
): Promise<LayerDraft | undefined> {
  if (readLayer(store, diffId)) return undefined
  const work = await waitForWork(store, workName('layer', layerId(diffId)))
  if (hasLayer(store, diffId)) {
    work.finish()
    return undefined
  }
  try {
    setAsideLeftover(store, work)
    const directory = hostPath(work.path, 'diff')
    makeDirectory(work.path, store.shared ? 0o755 : 0o700)
    makeDirectory(directory, 0o755)
    return draftOf(store, { work, diffId, directory, runInUserns })
  } catch (error) {
    removeTree(work.path, { runInUserns })
    work.finish()
    throw error
  }
}

interface DraftParts {
  readonly work: Work
  readonly diffId: Digest
  readonly directory: HostPath
  readonly runInUserns: RunInUserns | undefined
}

function draftOf(store: Store, { work, diffId, directory, runInUserns }: DraftParts): LayerDraft {
  let open = true
  const discard = () => {
    if (!open) return
    open = false
    removeTree(work.path, { runInUserns })
    work.finish()
  }
  const commit = (facts: Omit<Layer, 'diffId'>): Layer => {
    const options = { durable: false, ...imageFileMode(store) }
    writeJsonAtomic(hostPath(work.path, 'layer.json'), { diffId, ...facts }, options)
    renameSync(work.path, hostPath(store.layers, layerId(diffId)))
    open = false
    work.finish()
    return { diffId, ...facts }
  }
  return { directory, commit, discard, [Symbol.dispose]: discard }
}

/** Removes a layer that nothing uses; nothing happens where there is none. */
export function removeLayer(store: Store, diffId: Digest, runInUserns?: RunInUserns): void {
  using work = beginWork(store, workName('layer', layerId(diffId)))
  // What a killed removal left would be in the way.
  removeTree(work.path, { runInUserns })
  try {
    renameSync(hostPath(store.layers, layerId(diffId)), work.path)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    work.finish()
    return
  }
  removeTree(work.path, { runInUserns })
  work.finish()
}
