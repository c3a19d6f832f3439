import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { type Platform, parseManifest } from '../../image/manifest.ts'
import { hostPlatform, parsePlatform } from '../../image/platform.ts'
import { formatReference, newLocalName, repositoryName } from '../../image/reference.ts'
import type { Destination } from '../../image/registry/destination.ts'
import type { BlobSource } from '../../image/source.ts'
import { readAllImages } from '../../storage/image/images.ts'
import type { Engine } from '../engine.ts'
import { addImage } from '../image/addImage.ts'
import { noteImage } from '../image/event.ts'
import { readFound, requireFound } from '../image/find.ts'
import type { OnProgress } from '../image/progress.ts'
import { parseDestination, pushImage } from '../image/push.ts'
import type { RegistrySettings } from '../image/registryOptions.ts'
import { type ManifestDocument, type ResolvedManifest, resolveManifest } from '../image/resolve.ts'
import { saveImages } from '../image/save.ts'
import { tagImage } from '../image/tag.ts'
import { type BlobReader, copyManifest } from './copyManifest.ts'
import { type CopyPlace, parseCopyPlace } from './copyPlace.ts'
import { type CopySource, openCopySource } from './copySource.ts'
import { localImageName } from './localName.ts'
import { openPushDestination } from './open.ts'
import { firstBytes } from './pushManifestList.ts'
import { saveForeign } from './saveForeign.ts'

export interface CopyRequest {
  readonly from: string
  readonly to: string
  readonly fromSettings: RegistrySettings
  readonly toSettings: RegistrySettings
  /** Of an index, every image; between registries only. */
  readonly all: boolean
  readonly platform?: string | undefined
  readonly onProgress?: OnProgress | undefined
}

export interface CopiedImage {
  /** Of the manifest, or the index. */
  readonly digest: Digest
}

/**
 * Copies an image between registries, archives, directories and the store, byte by byte as it is. The policy of trust is asked as by pull
 * and load, before a layer is copied; what the store has was asked for when it came.
 * @throws BryoError USAGE, NOT_FOUND, PERMISSION, and those of pull, push, load and save
 */
export async function copyImage(engine: Engine, request: CopyRequest): Promise<CopiedImage> {
  const [from, to] = [parseCopyPlace(request.from), parseCopyPlace(request.to)]
  if (request.all && (from.kind !== 'registry' || to.kind !== 'registry')) {
    throw new BryoError('USAGE', 'cannot copy all images of an index: --all is for copies between registries')
  }
  if (from.kind === 'store') {
    const name = await localImageName(engine, from.name)
    return copyFromStore(engine, request, { name, to })
  }
  using source = await openCopySource(engine, from, request.fromSettings)
  switch (to.kind) {
    case 'registry':
      return await copyToRegistry(engine, request, { source, name: to.name })
    case 'store':
      return await copyToStore(engine, request, { source, name: to.name })
    case 'archive': {
      const resolved = await resolveManifest(source.label, source.document, {
        source: source.blobs,
        platform: platformOf(request),
      })
      await source.checkTrust(digestsOf(resolved))
      const own = source.reference?.digest === undefined ? source.reference : undefined
      const name = to.name || (own === undefined ? '' : formatReference(own))
      await saveForeign(engine, { resolved, blobs: source.blobs, to, name, onProgress: request.onProgress })
      return { digest: resolved.digest }
    }
  }
}

async function copyFromStore(
  engine: Engine,
  request: CopyRequest,
  { name, to }: { readonly name: string; readonly to: CopyPlace },
): Promise<CopiedImage> {
  if (to.kind === 'registry') {
    const { onProgress, toSettings } = request
    return pushImage(engine, { image: name, destination: to.name, ...toSettings, onProgress })
  }
  const found = requireFound(readAllImages(engine.store), name)
  if (to.kind === 'store') tagImage(engine, name, [to.name])
  else {
    const names = to.name === '' ? [] : [to.name]
    await saveImages(engine, { images: [name], names, format: to.format, target: to.path })
  }
  return { digest: readFound(engine.store, found).manifestDigest }
}

interface Named {
  readonly source: CopySource
  readonly name: string
}

async function copyToStore(
  engine: Engine,
  request: CopyRequest,
  { source, name }: Named,
): Promise<CopiedImage> {
  const full = newLocalName(name, 'copy')
  request.onProgress?.({ kind: 'started', reference: source.label })
  const added = await addImage(engine, {
    source: source.blobs,
    document: source.document,
    generated: source.generated,
    platform: platformOf(request),
    label: source.label,
    names: [full],
    repositories: source.reference ? [repositoryName(source.reference)] : [],
    checkTrust: source.checkTrust,
    onProgress: request.onProgress,
    abort: () => source[Symbol.dispose](),
  })
  noteImage(engine.store, source.reference ? 'pull' : 'loadfromarchive', { id: added.id, name: full })
  return { digest: added.manifestDigest }
}

async function copyToRegistry(
  engine: Engine,
  request: CopyRequest,
  { source, name }: Named,
): Promise<CopiedImage> {
  const reference = parseDestination(name)
  const { onProgress } = request
  onProgress?.({ kind: 'started', reference: formatReference(reference) })
  const own = source.reference
  const mountFrom = own && own.domain === reference.domain && own.path !== reference.path ? [own.path] : []
  using destination = await openPushDestination(engine, request.toSettings, { reference, mountFrom })
  const target = { destination, mountFrom, onProgress }
  const tagOrDigest = reference.digest ?? reference.tag ?? 'latest'
  if (request.all) {
    const { document } = source
    await source.checkTrust([document.digest])
    await copyTree(source, document, target)
    await destination.putManifest(tagOrDigest, document.bytes, typeOf(document))
    return { digest: document.digest }
  }
  const platform = platformOf(request)
  const resolved = await resolveManifest(source.label, source.document, { source: source.blobs, platform })
  await source.checkTrust(digestsOf(resolved))
  await copyManifest(resolved, readerOf(source.blobs), target)
  await destination.putManifest(tagOrDigest, resolved.bytes, typeOf(resolved))
  return { digest: resolved.digest }
}

function digestsOf({ digest, indexes }: ResolvedManifest): readonly Digest[] {
  return [digest, ...indexes.map((index) => index.digest)]
}

/** The images of an index, or the one that it is. */
async function copyTree(
  { blobs }: CopySource,
  document: ManifestDocument,
  target: {
    readonly destination: Destination
    readonly mountFrom: readonly string[]
    readonly onProgress?: OnProgress | undefined
  },
): Promise<void> {
  const parsed = parseManifest(document.bytes, document.mediaType)
  if (parsed.kind === 'manifest') return copyManifest(document, readerOf(blobs), target)
  for (const entry of parsed.manifests) {
    const bytes = await blobs.readManifest(entry)
    const { digest, mediaType } = entry
    await copyManifest({ bytes, digest, mediaType }, readerOf(blobs), target)
  }
}

function typeOf(document: ManifestDocument): string {
  return parseManifest(document.bytes, document.mediaType).mediaType
}

function readerOf(blobs: BlobSource): BlobReader {
  return {
    open: async (descriptor: Descriptor) => ({
      descriptor,
      blob: {
        digest: descriptor.digest,
        size: descriptor.size,
        open: (offset, length) => firstBytes(blobs.openBlob(descriptor, offset), length),
      },
      [Symbol.dispose]: () => {},
    }),
  }
}

function platformOf({ platform }: CopyRequest): Platform {
  return platform === undefined ? hostPlatform(process.arch) : parsePlatform(platform)
}
