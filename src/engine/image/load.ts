import type { Digest } from '../../base/brand.ts'
import { openImageArchive } from '../../image/archive/open.ts'
import { hostPlatform, parsePlatform } from '../../image/platform.ts'
import { formatReference, repositoryName } from '../../image/reference.ts'
import { explainSpace, freeBytes } from '../../storage/space.ts'
import type { Engine } from '../engine.ts'
import { addImage } from './addImage.ts'
import { isSignature, transportOf, trustIn } from './archiveTrust.ts'
import { noteImage } from './event.ts'
import type { OnProgress } from './progress.ts'
import { createSpool } from './spool.ts'

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
