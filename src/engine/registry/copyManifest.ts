import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { parseManifest } from '../../image/manifest.ts'
import type { Destination } from '../../image/registry/destination.ts'
import type { LayerSource } from '../image/layerSource.ts'
import type { OnProgress } from '../image/progress.ts'
import { isThere } from '../image/sendBlobs.ts'

/** Where an image's blobs come from. */
export interface BlobReader {
  readonly open: (descriptor: Descriptor) => Promise<LayerSource>
}

export interface CopyTarget {
  readonly destination: Pick<Destination, 'hasBlob' | 'mountBlob' | 'uploadBlob' | 'putManifest'>
  readonly mountFrom: readonly string[]
  readonly onProgress?: OnProgress | undefined
}

/**
 * Brings one image's blobs and then its manifest, by digest, to a registry, byte by byte.
 * @throws BryoError INVALID_IMAGE for an index, and those of both sides
 */
export async function copyManifest(
  document: { readonly bytes: Uint8Array; readonly digest: Digest; readonly mediaType: string },
  reader: BlobReader,
  { destination, mountFrom, onProgress }: CopyTarget,
): Promise<void> {
  const manifest = parseManifest(document.bytes, document.mediaType)
  if (manifest.kind === 'index') {
    throw new BryoError(
      'INVALID_IMAGE',
      `cannot copy manifest ${document.digest}: it is an index in an index`,
    )
  }
  const { layers, config } = manifest
  onProgress?.({ kind: 'layers', layers: layers.map(({ digest, size }) => ({ digest, size })) })
  for (const descriptor of new Map([...layers, config].map((blob) => [blob.digest, blob])).values()) {
    const { digest, size: total } = descriptor
    const reused = await isThere({ destination, mountFrom }, descriptor)
    if (!reused) {
      using source = await reader.open(descriptor)
      await destination.uploadBlob(source.blob, (bytes) =>
        onProgress?.({ kind: 'layer-progress', digest, bytes, total }),
      )
    }
    onProgress?.({ kind: 'layer-done', digest, reused })
  }
  await destination.putManifest(document.digest, document.bytes, manifest.mediaType)
}
