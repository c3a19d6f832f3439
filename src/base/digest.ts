import type { Digest } from './brand.ts'
import { BryoError } from './errors.ts'

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests (sha256 only) */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text)
}

/** Throws INVALID_REFERENCE: a digest becomes a file name, so nothing else may pass. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) {
    throw new BryoError(
      'INVALID_REFERENCE',
      `invalid digest "${text.slice(0, 100)}", expected sha256: and 64 hex digits`,
    )
  }
  return text
}

/** The 64 hex digits without `sha256:`. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
