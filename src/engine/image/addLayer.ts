import { closeSync, openSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { readPart } from '../../image/archive/fileTree.ts'
import type { BlobSource } from '../../image/source.ts'
import { openPartial, type PartialBlob } from '../../storage/blob/partial.ts'
import { hasBlob, openBlob, removeDamagedBlob } from '../../storage/blob/read.ts'
import { beginLayer, type LayerDraft } from '../../storage/layer/layers.ts'
import { watchSpace } from '../../storage/space.ts'
import type { Engine } from '../engine.ts'
import { expansionLimit } from '../expansion.ts'
import { type UnpackLayerRequest, unpackLayer } from '../unpackLayer.ts'
import type { OnProgress } from './progress.ts'

export interface AddLayerRequest {
  readonly source: BlobSource
  readonly descriptor: Descriptor
  readonly diffId: Digest
  /** Ends the work at the next chunk, with its reason. */
  readonly cancelled: AbortSignal
  readonly onProgress: OnProgress
}

export interface AddedLayer {
  /** This call unpacked it; else it was there, or another process did. */
  readonly unpacked: boolean
}

/**
 * Brings a layer's blob and its unpacked content into the store, each only where it is missing. What comes is stored, verified
 * and unpacked in one pass, and seen by nobody before its digests are proven. After a broken connection the part that
 * came is kept for the next attempt.
 * @throws BryoError DIGEST_MISMATCH, INVALID_ARCHIVE, NO_SPACE, and those of the source and of unpackLayer()
 */
export async function addLayer(engine: Engine, request: AddLayerRequest): Promise<AddedLayer> {
  const { store } = engine
  const { digest, size } = request.descriptor
  if (!hasBlob(store, digest, size) && !removeDamagedBlob(store, digest)) {
    throw new BryoError('DIGEST_MISMATCH', `cannot use layer "${digest}": ${size} is not its size`)
  }
  const partial = await openPartial(store, digest)
  if (!partial) return addFromBlob(engine, request)
  const resumed = partial.size > 0
  try {
    return await addFromSource(engine, request, partial)
  } catch (error) {
    // What an earlier attempt left may be damaged (a crash, a full disk): then once more, from the start.
    if (!resumed || request.cancelled.aborted || !isContentError(error)) throw error
    return addLayer(engine, request)
  }
}

async function addFromSource(
  engine: Engine,
  request: AddLayerRequest,
  partial: PartialBlob,
): Promise<AddedLayer> {
  using download = partial
  if (download.size > request.descriptor.size) download.restart()
  const { descriptor, diffId } = request
  const chunks = storeWhileReading(engine, request, download)
  try {
    using draft = await beginLayer(engine.store, diffId, engine.runInUserns)
    if (!draft) {
      for await (const _ of chunks);
      download.commit({ expected: descriptor })
      return { unpacked: false }
    }
    const bytes = await unpackInto(engine, draft, { input: chunks, digest: descriptor.digest, diffId })
    download.commit({ expected: descriptor })
    draft.commit({ size: bytes })
    return { unpacked: true }
  } catch (error) {
    // Where another layer's failure ended this one, it decides whether there will be a further attempt.
    const reason: unknown = request.cancelled.aborted ? request.cancelled.reason : error
    if (isContentError(reason) || isNoSpace(reason)) download.abort()
    throw error
  }
}

/** The whole blob: what an earlier attempt stored, and the rest as it comes, which is stored on its way. */
async function* storeWhileReading(
  { store }: Engine,
  { source, descriptor, cancelled, onProgress }: AddLayerRequest,
  download: PartialBlob,
): AsyncGenerator<Uint8Array> {
  const { digest, size: total } = descriptor
  const watch = watchSpace(store.dataRoot)
  yield* readStored(download)
  for await (const chunk of source.openBlob(descriptor, download.size)) {
    cancelled.throwIfAborted()
    watch(download.size)
    download.write(chunk)
    onProgress({ kind: 'layer-progress', digest, bytes: download.size, total })
    yield chunk
  }
}

async function* readStored({ path, size }: PartialBlob): AsyncGenerator<Uint8Array> {
  if (size === 0) return
  const fd = openSync(path, 'r')
  try {
    yield* readPart(path, fd, { offset: 0, size })
  } finally {
    closeSync(fd)
  }
}

async function addFromBlob(engine: Engine, { descriptor, diffId }: AddLayerRequest): Promise<AddedLayer> {
  const { store } = engine
  using draft = await beginLayer(store, diffId, engine.runInUserns)
  if (!draft) return { unpacked: false }
  const fd = openBlob(store, descriptor.digest)
  try {
    const bytes = await unpackInto(engine, draft, { input: fd, digest: descriptor.digest, diffId })
    draft.commit({ size: bytes })
    return { unpacked: true }
  } catch (error) {
    // A blob that was whole once and is not any more is of no use to anybody.
    if (isContentError(error)) removeDamagedBlob(store, descriptor.digest)
    throw error
  } finally {
    closeSync(fd)
  }
}

async function unpackInto(
  engine: Engine,
  draft: LayerDraft,
  what: Pick<UnpackLayerRequest, 'input' | 'digest' | 'diffId'>,
): Promise<number> {
  const { identity, facts, defaultIds } = engine
  const unpacked = await unpackLayer({
    ...what,
    directory: draft.directory,
    userns: { maps: defaultIds().maps, identity: identity(), searchPath: facts.env.PATH },
    shared: engine.store.shared,
    limit: expansionLimit(facts.env),
  })
  return unpacked.bytes
}

function isNoSpace(error: unknown): boolean {
  return isErrno(error, 'ENOSPC', 'EDQUOT') || (error instanceof BryoError && error.code === 'NO_SPACE')
}

function isContentError(error: unknown): boolean {
  return (
    error instanceof BryoError && ['DIGEST_MISMATCH', 'INVALID_ARCHIVE', 'UNSUPPORTED'].includes(error.code)
  )
}
