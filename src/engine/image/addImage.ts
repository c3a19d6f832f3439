import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor, ImageConfig } from '../../base/image.ts'
import { MAX_CONFIG_SIZE, parseImageConfig } from '../../image/config.ts'
import type { Platform } from '../../image/manifest.ts'
import { formatPlatform, sameArchitecture } from '../../image/platform.ts'
import type { BlobSource } from '../../image/source.ts'
import { hasBlob, readBlob } from '../../storage/blob/read.ts'
import { putBlob } from '../../storage/blob/write.ts'
import { collectGarbage } from '../../storage/gc.ts'
import { lockForAdding, putImage } from '../../storage/image/edit.ts'
import { readImage, readImages } from '../../storage/image/images.ts'
import { withManifest } from '../../storage/image/manifests.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import { hasLayer, readLayer } from '../../storage/layer/layers.ts'
import { recoverStore } from '../../storage/recover.ts'
import { explainSpace } from '../../storage/space.ts'
import type { Engine } from '../engine.ts'
import { addLayer } from './addLayer.ts'
import { dropUnusedLayers } from './dropLayers.ts'
import type { OnProgress } from './progress.ts'
import { type ManifestDocument, type ResolvedManifest, resolveManifest } from './resolve.ts'

export interface AddImageRequest {
  readonly source: BlobSource
  /** What the name stands for: a manifest or an index. */
  readonly document: ManifestDocument
  /** Nobody else knows the document's digest: an image that is there keeps its own manifest. */
  readonly generated?: boolean
  readonly platform: Platform
  /** For messages. */
  readonly label: string
  /** Full names with a tag. */
  readonly names: readonly string[]
  /** Full names without a tag, under which the digests are known. */
  readonly repositories: readonly string[]
  /** Throws where none of the digests (the manifest's, and of indexes that name it) is trusted; nothing was taken then. */
  readonly checkTrust?: ((digests: readonly Digest[]) => Promise<void>) | undefined
  readonly onProgress?: OnProgress | undefined
  /** Called at the first failure: what still comes is not needed any more. */
  readonly abort?: () => void
}

export interface AddedImage {
  readonly id: Digest
  readonly manifestDigest: Digest
  /** What the user should know although it is no error. */
  readonly warnings: readonly string[]
}

const PARALLEL_LAYERS = 3

/**
 * Brings an image into the store: documents and layers first, each verified, the record last. Any number of processes may do
 * that for the same image. After a failure there is no record and no layer that nobody uses; blobs that came as a whole and
 * broken downloads stay where a further attempt can use them.
 */
export async function addImage(engine: Engine, request: AddImageRequest): Promise<AddedImage> {
  const unpacked: Digest[] = []
  // What a killed pull left behind takes room that this one may need.
  recoverStore(engine.store, engine.runInUserns)
  try {
    using _lock = lockForAdding(engine.store)
    return await addLocked(engine, request, unpacked)
  } catch (error) {
    const resumable =
      error instanceof BryoError && ['NETWORK', 'REGISTRY', 'AUTH_REQUIRED'].includes(error.code)
    if (resumable) dropUnusedLayers(engine, unpacked)
    else collectGarbage(engine.store, { runInUserns: engine.runInUserns, partials: false })
    throw explainSpace(error, engine.store.dataRoot)
  }
}

async function addLocked(engine: Engine, request: AddImageRequest, unpacked: Digest[]): Promise<AddedImage> {
  const { store } = engine
  const { source, label, onProgress } = request
  const resolved = await resolveManifest(label, request.document, request)
  const { manifest } = resolved
  await request.checkTrust?.([resolved.digest, ...resolved.indexes.map(({ digest }) => digest)])
  const configBytes = await readConfig(engine, source, manifest.config)
  const config = parseImageConfig(configBytes)
  const warnings = checkConfig(request, resolved, config)
  const id = manifest.config.digest
  const layers = manifest.layers.map(({ digest, size }) => ({ digest, size }))
  onProgress?.({ kind: 'layers', layers })

  const before = findKnown(engine, request, resolved)
  if (before) {
    for (const { digest } of layers) onProgress?.({ kind: 'layer-done', digest, reused: true })
    for (const { bytes } of namedIndexes(request, resolved)) putBlob(store, bytes)
    putImage(store, { ...before, names: request.names, repoDigests: repoDigests(request, resolved) })
    return { id, manifestDigest: before.manifestDigest, warnings }
  }
  await addLayers(engine, request, { layers: manifest.layers, diffIds: config.diffIds, unpacked })
  putBlob(store, configBytes)
  for (const { bytes } of [resolved, ...namedIndexes(request, resolved)]) putBlob(store, bytes)
  putImage(store, recordOf(engine, request, { resolved, config }))
  return { id, manifestDigest: resolved.digest, warnings }
}

async function readConfig(engine: Engine, source: BlobSource, descriptor: Descriptor): Promise<Uint8Array> {
  const { digest, size } = descriptor
  if (hasBlob(engine.store, digest, size)) return readBlob(engine.store, digest, MAX_CONFIG_SIZE)
  return source.readBlob(descriptor, MAX_CONFIG_SIZE)
}

/** @returns warnings */
function checkConfig(
  request: AddImageRequest,
  resolved: ResolvedManifest,
  config: ImageConfig,
): readonly string[] {
  const { label, platform } = request
  const [layers, diffIds] = [resolved.manifest.layers.length, config.diffIds.length]
  if (layers !== diffIds) {
    throw new BryoError(
      'INVALID_IMAGE',
      `cannot use image "${label}": its manifest has ${layers} layers, its configuration ${diffIds}`,
    )
  }
  if (config.os !== '' && config.os !== 'linux') {
    throw new BryoError('UNSUPPORTED', `cannot use image "${label}": it is for ${config.os}, expected linux`)
  }
  if (config.architecture === '' || sameArchitecture(config.architecture, platform.architecture)) return []
  return [`image "${label}" is for linux/${config.architecture}, not for ${formatPlatform(platform)}`]
}

/** The image with this manifest, where the store has all of it. */
function findKnown(
  engine: Engine,
  request: AddImageRequest,
  resolved: ResolvedManifest,
): ImageRecord | undefined {
  const summary = readImages(engine.store).find(({ id }) => id === resolved.manifest.config.digest)
  const image = summary && readImage(engine.store, summary)
  if (!image?.layers.every((layer) => hasLayer(engine.store, layer.diffId))) return undefined
  const known = withManifest(image, request.generated ? undefined : resolved.digest)
  if (!request.generated && known.manifestDigest !== resolved.digest) return undefined
  const indexes = namedIndexes(request, resolved).map(({ digest }) => digest)
  return { ...known, otherBlobs: [...new Set([...known.otherBlobs, ...indexes])] }
}

interface LayerWork {
  readonly layers: readonly Descriptor[]
  readonly diffIds: readonly Digest[]
  /** Gets what was unpacked here. */
  readonly unpacked: Digest[]
}

/** Several at a time, so that one is unpacked while others are on their way; the first failure ends all. */
async function addLayers(engine: Engine, request: AddImageRequest, work: LayerWork): Promise<void> {
  const { source, onProgress = () => {} } = request
  const cancel = new AbortController()
  const queue = uniqueLayers(work)
  const failures: unknown[] = []
  const worker = async () => {
    for (let next = queue.shift(); next && failures.length === 0; next = queue.shift()) {
      const { descriptor, diffId } = next
      const reused =
        hasBlob(engine.store, descriptor.digest, descriptor.size) && hasLayer(engine.store, diffId)
      const added = await addLayer(engine, {
        source,
        descriptor,
        diffId,
        cancelled: cancel.signal,
        onProgress,
      })
      if (added.unpacked) work.unpacked.push(diffId)
      onProgress({ kind: 'layer-done', digest: descriptor.digest, reused })
    }
  }
  const guarded = () =>
    worker().catch((error: unknown) => {
      failures.push(error)
      cancel.abort(error)
      request.abort?.()
    })
  await Promise.all(Array.from({ length: PARALLEL_LAYERS }, guarded))
  if (failures.length > 0) throw failures[0]
}

/** An image may have the same layer twice. */
function uniqueLayers({ layers, diffIds }: LayerWork) {
  const unique = new Map<string, { readonly descriptor: Descriptor; readonly diffId: Digest }>()
  layers.forEach((descriptor, index) => {
    const diffId = diffIds[index]
    if (diffId !== undefined) unique.set(`${descriptor.digest} ${diffId}`, { descriptor, diffId })
  })
  return [...unique.values()]
}

function recordOf(
  engine: Engine,
  request: AddImageRequest,
  { resolved, config }: { readonly resolved: ResolvedManifest; readonly config: ImageConfig },
): ImageRecord {
  const layers = resolved.manifest.layers.map((blob, index) => {
    const diffId = config.diffIds[index]
    const layer = diffId && readLayer(engine.store, diffId)
    if (!layer) throw new BryoError('STORAGE', `cannot find layer ${diffId}, which was just unpacked`)
    return { diffId: layer.diffId, size: layer.size, blob }
  })
  return {
    id: resolved.manifest.config.digest,
    manifestDigest: resolved.digest,
    names: request.names,
    repoDigests: repoDigests(request, resolved),
    created: config.created ?? '1970-01-01T00:00:00Z',
    size: layers.reduce((sum, layer) => sum + layer.size, 0),
    layers,
    config,
    manifestMediaType: resolved.manifest.mediaType,
    otherBlobs: namedIndexes(request, resolved).map((index) => index.digest),
  }
}

function namedIndexes(request: AddImageRequest, resolved: ResolvedManifest): readonly ManifestDocument[] {
  return request.generated ? [] : resolved.indexes
}

function repoDigests(request: AddImageRequest, resolved: ResolvedManifest): readonly string[] {
  if (request.generated && resolved.indexes.length === 0) return []
  const digests = [resolved, ...namedIndexes(request, resolved)].map((document) => document.digest)
  return request.repositories.flatMap((repository) => digests.map((digest) => `${repository}@${digest}`))
}
