import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { formatOf, type ManifestFormat, writeManifest } from '../../image/convert.ts'
import { type ImageManifest, MAX_MANIFEST_SIZE, parseManifest } from '../../image/manifest.ts'
import {
  formatReference,
  type ImageReference,
  parseReference,
  repositoryName,
} from '../../image/reference.ts'
import type { Destination } from '../../image/registry/destination.ts'
import { digestOf } from '../../image/verify.ts'
import { readBlob } from '../../storage/blob/read.ts'
import { lockForAdding, putImage } from '../../storage/image/edit.ts'
import { readAllImages } from '../../storage/image/images.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { openPushDestination } from '../registry/open.ts'
import { noteImage } from './event.ts'
import { readFound, requireFound } from './find.ts'
import { chooseCompression, type LayerWish } from './layerSource.ts'
import type { OnProgress } from './progress.ts'
import type { RegistrySettings } from './registryOptions.ts'
import { sendBlobs } from './sendBlobs.ts'

export interface PushRequest extends RegistrySettings {
  /** A name or an id. */
  readonly image: string
  /** The image's own name by default; with or without `docker://`. */
  readonly destination?: string | undefined
  /** The image's own by default. */
  readonly format?: ManifestFormat | undefined
  readonly compression?: LayerWish['compression']
  readonly compressionLevel?: number | undefined
  readonly onProgress?: OnProgress | undefined
}

export interface PushedImage {
  /** In full. */
  readonly reference: string
  /** Under which the registry has it now. */
  readonly digest: Digest
}

/**
 * Sends an image to a registry: what the registry has already is not sent, what another repository of it has is mounted. An image
 * that came from elsewhere goes out byte by byte as it came, unless another format or compression is asked for.
 * @throws BryoError NOT_FOUND, INVALID_REFERENCE, AUTH_REQUIRED, NETWORK, REGISTRY, UNSUPPORTED, NO_SPACE
 */
export async function pushImage(engine: Engine, request: PushRequest): Promise<PushedImage> {
  const { store } = engine
  const found = requireFound(readAllImages(store), request.image)
  const reference = destinationOf(request, found.name)
  // What is being sent is no garbage.
  using _lock = lockForAdding(store)
  const image = readFound(store, found)
  request.onProgress?.({ kind: 'started', reference: formatReference(reference) })
  using destination = await openPushDestination(engine, request, {
    reference,
    mountFrom: relatedRepositories(image, reference),
  })
  const digest = await sendImage(engine, { image, reference, destination, request })
  const repoDigests = [`${repositoryName(reference)}@${digest}`]
  if (!image.readOnly) putImage(store, { ...image, names: [], repoDigests })
  noteImage(store, 'push', { id: image.id, name: formatReference(reference) })
  return { reference: formatReference(reference), digest }
}

/** @throws BryoError INVALID_REFERENCE, UNSUPPORTED for what is no registry */
export function parseDestination(text: string): ImageReference {
  const transport = /^(oci|oci-archive|dir|docker-archive|docker-daemon|containers-storage):/.exec(text)?.[1]
  // `oci:5000/x` may be a registry on a host of that name.
  if (transport !== undefined && !new RegExp(`^${transport}:\\d+/`).test(text)) {
    throw new BryoError('UNSUPPORTED', `cannot push to "${text.slice(0, 200)}": it is no registry`, {
      hint: 'bryo image copy and bryo save write such files',
    })
  }
  return parseReference(text.replace(/^docker:\/\//, ''))
}

function destinationOf({ image, destination }: PushRequest, name: string | undefined): ImageReference {
  const text = destination ?? name
  if (text !== undefined) return parseDestination(text)
  throw new BryoError('INVALID_REFERENCE', `cannot push "${image}": it is an id, expected a name`, {
    hint: 'say where to: bryo push ID REGISTRY/NAME',
  })
}

/** Other repositories of the same registry that the image was in. */
function relatedRepositories(image: ImageRecord, reference: ImageReference): readonly string[] {
  const paths = image.repoDigests.map((text) => parseReference(text))
  const related = paths.filter(({ domain, path }) => domain === reference.domain && path !== reference.path)
  return [...new Set(related.map(({ path }) => path))]
}

interface SendImage {
  readonly image: ImageRecord
  readonly reference: ImageReference
  readonly destination: Destination
  readonly request: PushRequest
}

async function sendImage(
  engine: Engine,
  { image, reference, destination, request }: SendImage,
): Promise<Digest> {
  const { store } = engine
  const bytes = readBlob(store, image.manifestDigest, MAX_MANIFEST_SIZE)
  const manifest = parseManifest(bytes, image.manifestMediaType)
  if (manifest.kind !== 'manifest') {
    throw new BryoError('STORAGE', `cannot push image "${image.id}": its manifest is an index`)
  }
  // Only OCI's format knows zstd.
  const format = request.format ?? (request.compression === 'zstd' ? 'oci' : formatOf(manifest.mediaType))
  const madeHere = !image.repoDigests.some((name) => name.endsWith(`@${image.manifestDigest}`))
  const wish = { compression: request.compression, level: request.compressionLevel }
  const layers = await sendBlobs(store, {
    layers: manifest.layers.map((layer, index) => ({
      layer,
      diffId: image.config.diffIds[index] ?? layer.digest,
      wish: chooseCompression(layer, wish, { madeHere, format }),
    })),
    config: manifest.config,
    destination,
    mountFrom: relatedRepositories(image, reference),
    onProgress: request.onProgress,
  })
  const same = format === formatOf(manifest.mediaType) && sameLayers(manifest, layers)
  const written = same
    ? { bytes, mediaType: manifest.mediaType }
    : writeManifest(manifest, { format, layers })
  const digest = digestOf(written.bytes)
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw new BryoError(
      'DIGEST_MISMATCH',
      `cannot push to "${formatReference(reference)}": the image's digest is ${digest}, expected ${reference.digest}`,
    )
  }
  await destination.putManifest(
    reference.digest ?? reference.tag ?? 'latest',
    written.bytes,
    written.mediaType,
  )
  return digest
}

function sameLayers(manifest: ImageManifest, layers: readonly Descriptor[]): boolean {
  return manifest.layers.every((layer, index) => layer.digest === layers[index]?.digest)
}
