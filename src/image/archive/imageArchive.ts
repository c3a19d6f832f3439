import type { Digest } from '../../base/brand.ts'
import type { ImageReference } from '../reference.ts'
import type { BlobSource } from '../source.ts'

/** A manifest or index of an archive, verified against the digest that names it. */
export interface ArchiveDocument {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly mediaType: string
  /** Made here, because the archive has none: nobody else knows its digest. */
  readonly generated: boolean
}

/** One image (or one index of several platforms) of an archive. */
export interface ArchiveImage {
  readonly names: readonly ImageReference[]
  /** What the archive says that it is, where it says so: cosign does. */
  readonly kind?: string | undefined
  readonly document: ArchiveDocument
}

/** An image archive that is open for reading. */
export interface ImageArchive extends BlobSource, Disposable {
  /** For messages. */
  readonly label: string
  readonly form: 'docker' | 'oci' | 'dir'
  readonly images: readonly ArchiveImage[]
}
