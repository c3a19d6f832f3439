import { statSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import type { ArchiveImage, ImageArchive } from '../../image/archive/imageArchive.ts'
import { openImageArchive } from '../../image/archive/open.ts'
import { hostPlatform, parsePlatform } from '../../image/platform.ts'
import { formatReference, type ImageReference, repositoryName } from '../../image/reference.ts'
import { explainSpace, freeBytes } from '../../storage/space.ts'
import type { Engine } from '../engine.ts'
import { addImage } from './addImage.ts'
import { noteImage } from './event.ts'
import type { OnProgress } from './progress.ts'
import { createSpool } from './spool.ts'
import { type FetchSignature, openTrust } from './trust.ts'

export interface LoadRequest {
  /** A file or a directory, or `-` for standard input. */
  readonly source: string
  readonly platform?: string | undefined
  /** `--signature-policy`: a policy.json that counts alone. */
  readonly signaturePolicy?: string | undefined
  readonly onProgress?: OnProgress | undefined
}

export interface LoadedImage {
  readonly id: Digest
  /** In full; empty for an image without a name. */
  readonly names: readonly string[]
  readonly warnings: readonly string[]
}

const STDIN = 0

/**
 * Takes all images of an archive: OCI archive, OCI directory, docker archive; plain, gzip or zstd.
 * @throws BryoError NOT_FOUND, PERMISSION, INVALID_ARCHIVE, INVALID_IMAGE, DIGEST_MISMATCH, UNSUPPORTED, NO_SPACE; images of the
 *   archive before the faulty one stay
 */
export async function loadImage(engine: Engine, request: LoadRequest): Promise<readonly LoadedImage[]> {
  const { store } = engine
  const { source, onProgress } = request
  const platform =
    request.platform === undefined ? hostPlatform(process.arch) : parsePlatform(request.platform)
  try {
    using archive = await openImageArchive(source === '-' ? STDIN : source, {
      createSpool: () => createSpool(store),
      maxSpoolBytes: freeBytes(store.dataRoot),
    })
    const loaded: LoadedImage[] = []
    const transport = transportOf(archive, source)
    for (const image of archive.images.filter((one) => !isSignature(one))) {
      const names = image.names.map(formatReference)
      onProgress?.({ kind: 'started', reference: names[0] ?? archive.label })
      const added = await addImage(engine, {
        source: archive,
        document: image.document,
        generated: image.document.generated,
        platform,
        label: names[0] ?? archive.label,
        names,
        repositories: image.names.map(repositoryName),
        checkTrust: trustIn(engine, { archive, image, transport, policyFile: request.signaturePolicy }),
        onProgress,
      })
      noteImage(store, 'loadfromarchive', { id: added.id, name: names[0] })
      loaded.push({ id: added.id, names, warnings: added.warnings })
    }
    return loaded
  } catch (error) {
    throw explainSpace(error, store.dataRoot)
  }
}

/** As policy.json calls it. */
function transportOf({ form }: ImageArchive, source: string): string {
  const isDirectory = source !== '-' && statSync(source).isDirectory()
  if (form === 'dir') return form
  return isDirectory ? 'oci' : `${form}-archive`
}

const COSIGN_SIGNATURES = 'dev.cosignproject.cosign/sigs'
const COSIGN_KINDS = new Set([
  COSIGN_SIGNATURES,
  'dev.cosignproject.cosign/atts',
  'dev.cosignproject.cosign/sboms',
])

/** What signs an image is none itself. */
function isSignature({ names, kind }: ArchiveImage): boolean {
  if (kind !== undefined && COSIGN_KINDS.has(kind)) return true
  return names.length > 0 && names.every((name) => signatureTagIn(name) !== undefined)
}

/** An archive may name a signature by its tag alone, which looks like a repository then. */
function signatureTagIn({ tag, path }: ImageReference): string | undefined {
  return [tag, path].find((text) => text !== undefined && /^sha256-[0-9a-f]{64}\.sig$/.test(text))
}

interface LoadedSubject {
  readonly archive: ImageArchive
  readonly image: ArchiveImage
  readonly transport: string
  readonly policyFile: string | undefined
}

/** An archive gives any name it likes, so that each must be trusted; its signatures are in it. */
function trustIn(engine: Engine, { archive, image, transport, policyFile }: LoadedSubject) {
  const references = image.names.length === 0 ? [undefined] : image.names
  const checks = references.map((reference) => openTrust(engine, { reference, transport, policyFile }))
  const fetchSignature: FetchSignature = async (tag) => {
    const found = archive.images.filter(
      ({ names, kind }) => kind === COSIGN_SIGNATURES || names.some((name) => signatureTagIn(name) === tag),
    )
    return found.map(({ document }) => ({ bytes: document.bytes, readBlob: archive.readBlob }))
  }
  return async (digests: readonly Digest[]) => {
    for (const check of checks) await check(digests, fetchSignature)
  }
}
