import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { ArchiveImage } from '../../image/archive/imageArchive.ts'
import { openImageArchive } from '../../image/archive/open.ts'
import { formatReference, type ImageReference, repositoryName } from '../../image/reference.ts'
import type { BlobSource } from '../../image/source.ts'
import { freeBytes } from '../../storage/space.ts'
import type { Engine } from '../engine.ts'
import { isSignature, transportOf, trustIn } from '../image/archiveTrust.ts'
import type { RegistrySettings } from '../image/registryOptions.ts'
import { signaturesOf } from '../image/registrySignatures.ts'
import type { ManifestDocument } from '../image/resolve.ts'
import { createSpool } from '../image/spool.ts'
import { openTrust } from '../image/trust.ts'
import type { CopyPlace } from './copyPlace.ts'
import { openPullSource, resolveRegistry } from './open.ts'

/** An image outside of the store that is open for reading. */
export interface CopySource extends Disposable {
  readonly blobs: BlobSource
  readonly document: ManifestDocument
  /** Nobody else knows the document's digest. */
  readonly generated: boolean
  /** For messages. */
  readonly label: string
  /** In full; of a registry's image only. */
  readonly reference: ImageReference | undefined
  /** Throws where none of the digests (the manifest's, and of indexes that name it) is trusted. */
  readonly checkTrust: (digests: readonly Digest[]) => Promise<void>
}

/** Nobody is asked for what a policy rejects in any case. @throws BryoError NOT_FOUND, PERMISSION, and those of pull and load */
export async function openCopySource(
  engine: Engine,
  place: Exclude<CopyPlace, { readonly kind: 'store' }>,
  settings: RegistrySettings,
): Promise<CopySource> {
  if (place.kind === 'archive') return openArchive(engine, place)
  const { reference } = await resolveRegistry(engine, place.name)
  const trust = openTrust(engine, { reference })
  const tagOrDigest = reference.digest ?? reference.tag ?? 'latest'
  const opened = await openPullSource(engine, settings, {
    reference,
    first: (repository) => repository.fetchManifest(tagOrDigest),
  })
  return {
    blobs: opened.repository,
    document: opened.result,
    generated: false,
    label: formatReference(reference),
    reference,
    checkTrust: (digests) => trust(digests, signaturesOf(opened.repository)),
    [Symbol.dispose]: () => opened.repository[Symbol.dispose](),
  }
}

async function openArchive(
  engine: Engine,
  { path, name }: Extract<CopyPlace, { readonly kind: 'archive' }>,
): Promise<CopySource> {
  const { store } = engine
  const archive = await openImageArchive(path, {
    createSpool: () => createSpool(store),
    maxSpoolBytes: freeBytes(store.dataRoot),
  })
  try {
    const image = chooseImage(archive.images, path, name)
    const { document } = image
    const transport = transportOf(archive, path)
    return {
      blobs: archive,
      document,
      generated: document.generated,
      label: archive.label,
      reference: undefined,
      checkTrust: trustIn(engine, { archive, image, transport, policyFile: undefined }),
      [Symbol.dispose]: () => archive[Symbol.dispose](),
    }
  } catch (error) {
    archive[Symbol.dispose]()
    throw error
  }
}

function chooseImage(all: readonly ArchiveImage[], path: string, name: string): ArchiveImage {
  const images = all.filter((image) => !isSignature(image))
  const [first, ...others] = images
  if (first && others.length === 0) return first
  const meant = images.filter(({ names }) =>
    names.some((known) => [formatReference(known), repositoryName(known), known.tag].includes(name)),
  )
  const [found] = meant
  if (found && meant.length === 1) return found
  const names = images.flatMap((image) => image.names.map(formatReference)).slice(0, 20)
  throw new BryoError(
    'NOT_FOUND',
    `cannot copy from "${path}": ${name === '' ? 'no image of it is named' : `it has no image "${name}"`}, expected one of ${names.join(', ') || 'none'}`,
  )
}
