import type { Digest } from '../../base/brand.ts'
import { isDigest } from '../../base/digest.ts'
import type { Descriptor } from '../../base/image.ts'
import { isObject, type JsonObject } from '../../base/json.ts'

const PAYLOAD_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'
const ANNOTATION = 'dev.cosignproject.cosign/signature'
const BUNDLE_TYPE = /^application\/vnd\.dev\.sigstore\.bundle[.+]/
/** Of a bundle's content: that it signs an image, and states nothing else about it. */
export const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1'
/** Of the layers of one signature artifact. */
const MAX_SIGNATURES = 64

/** The tag under which the signatures of a manifest are kept beside it. */
export function signatureTag(manifestDigest: Digest): string {
  return `${manifestDigest.replace(':', '-')}.sig`
}

/** A part of an artifact that may be a signature; what it signs is in the blob. */
export interface SignatureLayer {
  readonly blob: Descriptor
  /** The raw bytes of a signature over the blob; undefined for a bundle, which has it inside. */
  readonly signature: Uint8Array | undefined
}

/**
 * The signatures that an artifact names. What is no signature in it is passed over: it proves nothing. Pure.
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function readSignatureManifest(bytes: Uint8Array): readonly SignatureLayer[] {
  const document = parseObject(bytes)
  const layers = Array.isArray(document?.layers) ? document.layers : []
  return layers.slice(0, MAX_SIGNATURES).flatMap((layer: unknown): readonly SignatureLayer[] => {
    const blob = readDescriptor(layer)
    if (!blob || !isObject(layer)) return []
    if (BUNDLE_TYPE.test(blob.mediaType)) return [{ blob, signature: undefined }]
    const encoded = isObject(layer.annotations) ? layer.annotations[ANNOTATION] : undefined
    if (blob.mediaType !== PAYLOAD_TYPE || typeof encoded !== 'string') return []
    return [{ blob, signature: Buffer.from(encoded, 'base64') }]
  })
}

export function readDescriptor(value: unknown): Descriptor | undefined {
  if (!isObject(value)) return undefined
  const { mediaType, digest, size } = value
  if (typeof mediaType !== 'string' || typeof digest !== 'string' || !isDigest(digest)) return undefined
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined
  return { mediaType, digest, size }
}

export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isObject(document) ? document : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
