import type { Descriptor } from '../base/image.ts'

/** Where an image's documents and layers come from: a registry, an archive, a directory. Nothing in it is trusted. */
export interface BlobSource {
  /** A manifest that an index names; digest and size are verified. */
  readonly readManifest: (descriptor: Descriptor) => Promise<Uint8Array>
  /** Small documents in whole; digest and size are verified. @param limit bytes */
  readonly readBlob: (descriptor: Descriptor, limit: number) => Promise<Uint8Array>
  /**
   * The bytes of a blob from `offset` on. At most as many as the descriptor declares; fewer is an error.
   * The digest is the receiver's to verify.
   */
  readonly openBlob: (descriptor: Descriptor, offset: number) => AsyncIterable<Uint8Array>
}
