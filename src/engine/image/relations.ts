import type { Digest } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import { type HistoryEntry, MAX_CONFIG_SIZE, parseImageDetails } from '../../image/config.ts'
import { readBlob } from '../../storage/blob/read.ts'
import { readImage } from '../../storage/image/images.ts'
import type { ImageRecord, ImageSummary } from '../../storage/image/record.ts'
import type { Store } from '../../storage/store.ts'

/** An image with what tells how it came about. */
export interface ImageNode {
  readonly record: ImageRecord
  readonly history: readonly HistoryEntry[]
}

/** Those of the images that are still there. */
export function readNodes(store: Store, images: readonly ImageSummary[]): readonly ImageNode[] {
  return images.flatMap((summary) => {
    const record = readImage(store, summary)
    return record ? [{ record, history: readHistory(store, record.id) }] : []
  })
}

/** Empty where the configuration is lost, which `system check` says. */
export function readHistory(store: Store, id: Digest): readonly HistoryEntry[] {
  try {
    return parseImageDetails(readBlob(store, id, MAX_CONFIG_SIZE)).history
  } catch (error) {
    if (error instanceof BryoError && error.code === 'NOT_FOUND') return []
    if (isErrno(error, 'EACCES')) return []
    throw error
  }
}

/** Whether an image was made on top of another one: that one's layers and history are the beginning of its own. Pure. */
export function isMadeOf(child: ImageNode, parent: ImageNode): boolean {
  const [below, above] = [parent.record.layers, child.record.layers]
  const longer = above.length > below.length || child.history.length > parent.history.length
  return (
    child.record.id !== parent.record.id &&
    longer &&
    below.length <= above.length &&
    parent.history.length <= child.history.length &&
    below.every(({ diffId }, index) => diffId === above[index]?.diffId) &&
    parent.history.every((entry, index) => sameStep(entry, child.history[index]))
  )
}

function sameStep(one: HistoryEntry, other: HistoryEntry | undefined): boolean {
  return (
    one.created === other?.created &&
    one.createdBy === other?.createdBy &&
    one.comment === other?.comment &&
    (one.emptyLayer ?? false) === (other?.emptyLayer ?? false)
  )
}

/** The images that this one was made of, the nearest first. */
export function parentsOf(node: ImageNode, nodes: readonly ImageNode[]): readonly ImageNode[] {
  return nodes
    .filter((other) => isMadeOf(node, other))
    .sort((a, b) => b.history.length - a.history.length || b.record.layers.length - a.record.layers.length)
}

/** Ids of images without a name that others were made of. */
export function intermediateIds(nodes: readonly ImageNode[]): ReadonlySet<Digest> {
  const unnamed = nodes.filter(({ record }) => record.names.length === 0)
  const parents = unnamed.filter((node) => nodes.some((other) => isMadeOf(other, node)))
  return new Set(parents.map(({ record }) => record.id))
}
