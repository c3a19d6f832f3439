import type { Digest } from '../../base/brand.ts'
import type { Descriptor } from '../../base/image.ts'
import type { ManifestFormat } from '../../image/convert.ts'
import { MAX_MANIFEST_SIZE, parseManifest } from '../../image/manifest.ts'
import { formatReference, type ImageReference, parseReference } from '../../image/reference.ts'
import type { Destination } from '../../image/registry/destination.ts'
import { digestOf } from '../../image/verify.ts'
import { hasBlob, readBlob } from '../../storage/blob/read.ts'
import { lockForAdding } from '../../storage/image/edit.ts'
import type { ListedManifest } from '../../storage/manifestList/read.ts'
import type { Engine } from '../engine.ts'
import { storedBlob } from '../image/layerSource.ts'
import type { OnProgress } from '../image/progress.ts'
import { type PushedImage, parseDestination } from '../image/push.ts'
import type { RegistrySettings } from '../image/registryOptions.ts'
import { type BlobReader, copyManifest } from './copyManifest.ts'
import { documentOf, requireManifestList } from './manifestList.ts'
import { openPullSource, openPushDestination } from './open.ts'

export interface PushManifestRequest extends RegistrySettings {
  readonly list: string
  /** The list's own name by default. */
  readonly destination?: string | undefined
  /** The images that it names too; else they must be there. */
  readonly all: boolean
  readonly format?: ManifestFormat | undefined
  readonly onProgress?: OnProgress | undefined
}

/**
 * Sends a manifest list to a registry, its images first: each byte by byte as it is.
 * @throws BryoError NOT_FOUND, AUTH_REQUIRED, NETWORK, REGISTRY
 */
export async function pushManifestList(engine: Engine, request: PushManifestRequest): Promise<PushedImage> {
  const list = requireManifestList(engine.store, request.list)
  const reference = parseDestination(request.destination ?? list.name)
  using _lock = lockForAdding(engine.store)
  request.onProgress?.({ kind: 'started', reference: formatReference(reference) })
  const mountFrom = list.manifests
    .filter(({ repository }) => repository !== '')
    .map(({ repository }) => parseReference(repository))
    .filter(({ domain, path }) => domain === reference.domain && path !== reference.path)
    .map(({ path }) => path)
  using destination = await openPushDestination(engine, request, { reference, mountFrom })
  if (request.all) {
    for (const entry of list.manifests) await sendEntry(engine, { entry, destination, request, reference })
  }
  const { bytes, mediaType } = documentOf(list, request.format)
  await destination.putManifest(reference.tag ?? 'latest', bytes, mediaType)
  const digest: Digest = digestOf(bytes)
  return { reference: formatReference(reference), digest }
}

interface SendEntry {
  readonly entry: ListedManifest
  readonly destination: Destination
  readonly request: PushManifestRequest
  readonly reference: ImageReference
}

async function sendEntry(
  engine: Engine,
  { entry, destination, request, reference }: SendEntry,
): Promise<void> {
  const { onProgress } = request
  const { store } = engine
  if (entry.repository === '' || hasWhole(engine, entry)) {
    const bytes = readBlob(store, entry.digest, MAX_MANIFEST_SIZE)
    const reader: BlobReader = { open: async (descriptor) => storedBlob(store, descriptor) }
    await copyManifest({ bytes, mediaType: entry.mediaType, digest: entry.digest }, reader, {
      destination,
      mountFrom: [],
      onProgress,
    })
    return
  }
  const from = parseReference(`${entry.repository}@${entry.digest}`)
  const opened = await openPullSource(engine, request, {
    reference: from,
    first: (repository) => repository.fetchManifest(entry.digest),
  })
  using repository = opened.repository
  const mountFrom = from.domain === reference.domain && from.path !== reference.path ? [from.path] : []
  const reader: BlobReader = {
    open: async (descriptor) => ({
      descriptor,
      blob: {
        digest: descriptor.digest,
        size: descriptor.size,
        open: (offset, length) => firstBytes(repository.openBlob(descriptor, offset), length),
      },
      [Symbol.dispose]: () => {},
    }),
  }
  await copyManifest(opened.result, reader, { destination, mountFrom, onProgress })
}

function hasWhole({ store }: Engine, entry: ListedManifest): boolean {
  if (!hasBlob(store, entry.digest, entry.size)) return false
  const manifest = parseManifest(readBlob(store, entry.digest, MAX_MANIFEST_SIZE), entry.mediaType)
  const blobs: readonly Descriptor[] =
    manifest.kind === 'manifest' ? [manifest.config, ...manifest.layers] : manifest.manifests
  return blobs.every(({ digest, size }) => hasBlob(store, digest, size))
}

/** The first `length` bytes of a stream. */
export async function* firstBytes(
  chunks: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array> {
  let left = length
  for await (const chunk of chunks) {
    yield chunk.byteLength > left ? chunk.subarray(0, left) : chunk
    left -= chunk.byteLength
    if (left <= 0) return
  }
}
