import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { type ImageManifest, type Platform, parseManifest } from '../../image/manifest.ts'
import { selectPlatform } from '../../image/platform.ts'
import type { BlobSource } from '../../image/source.ts'

export interface ManifestDocument {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly mediaType: string
}

export interface ResolvedManifest extends ManifestDocument {
  readonly manifest: ImageManifest
  /** The indexes that led to it, the first one first. */
  readonly indexes: readonly ManifestDocument[]
}

/** An index may name an index; a chain of them is of nobody's making. */
const MAX_INDEXES = 3

/**
 * Goes from what a name stands for to the manifest of one platform.
 * @param name for messages
 * @throws BryoError INVALID_IMAGE, UNSUPPORTED, NOT_FOUND with the platforms that there are
 */
export async function resolveManifest(
  name: string,
  document: ManifestDocument,
  wanted: { readonly source: BlobSource; readonly platform: Platform },
): Promise<ResolvedManifest> {
  const indexes: ManifestDocument[] = []
  let current = document
  for (;;) {
    const parsed = parseManifest(current.bytes, current.mediaType)
    if (parsed.kind === 'manifest') return { ...current, manifest: parsed, indexes }
    if (indexes.length === MAX_INDEXES) {
      throw new BryoError(
        'INVALID_IMAGE',
        `cannot use image "${name}": more than ${MAX_INDEXES} indexes in a row`,
      )
    }
    indexes.push(current)
    const entry = selectPlatform(parsed, wanted.platform, name)
    const bytes = await wanted.source.readManifest(entry)
    current = { bytes, digest: entry.digest, mediaType: entry.mediaType }
  }
}
