import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { Digest } from '../../base/brand.ts'
import { isDigest } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { isObject } from '../json.ts'
import { type ImageReference, isReference, parseReference } from '../reference.ts'

/** A signature over a payload, both as they were found: nothing is proven. */
export interface FoundSignature {
  readonly payload: Uint8Array
  /** Raw bytes. */
  readonly signature: Uint8Array
}

/** What a payload says that was signed. */
export interface SignedClaim {
  readonly manifestDigest: Digest
  readonly reference: ImageReference
}

const PAYLOAD_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json'
const ANNOTATION = 'dev.cosignproject.cosign/signature'
/** Of the layers of one signature artifact. */
const MAX_SIGNATURES = 64

/** The tag under which the signatures of a manifest are kept beside it. */
export function signatureTag(manifestDigest: Digest): string {
  return `${manifestDigest.replace(':', '-')}.sig`
}

export function isSignatureTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}\.sig$/.test(tag)
}

export interface SignatureLayer {
  readonly payload: Descriptor
  readonly signature: Uint8Array
}

/**
 * The signatures that an artifact names. What is no signature in it is passed over: it proves nothing. Pure.
 * @see https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
 */
export function readSignatureManifest(bytes: Uint8Array): readonly SignatureLayer[] {
  const document = parseObject(bytes)
  const layers = Array.isArray(document?.layers) ? document.layers : []
  return layers.slice(0, MAX_SIGNATURES).flatMap((layer) => {
    if (!isObject(layer) || layer.mediaType !== PAYLOAD_TYPE || !isObject(layer.annotations)) return []
    const { digest, size, annotations } = layer
    const encoded = annotations[ANNOTATION]
    if (typeof digest !== 'string' || !isDigest(digest) || typeof size !== 'number') return []
    if (!Number.isSafeInteger(size) || size < 0 || typeof encoded !== 'string') return []
    const payload = { mediaType: PAYLOAD_TYPE, digest, size }
    return [{ payload, signature: Buffer.from(encoded, 'base64') }]
  })
}

/** @param source for messages. @throws BryoError USAGE for what is no public key that signs images */
export function readPublicKey(source: string, pem: string): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (cause) {
    throw new BryoError('USAGE', `cannot use the key "${source}": it is no public key in PEM`, { cause })
  }
  const type = key.asymmetricKeyType
  if (type === 'ec' || type === 'rsa' || type === 'ed25519') return key
  throw new BryoError(
    'USAGE',
    `cannot use the key "${source}": its type is ${type}, expected ECDSA, RSA or Ed25519`,
  )
}

/** What the payload says, where the signature over it is of this key; else undefined. Pure. */
export function verifySignature(
  { payload, signature }: FoundSignature,
  key: KeyObject,
): SignedClaim | undefined {
  if (!isSignedBy(payload, signature, key)) return undefined
  return readClaim(payload)
}

function isSignedBy(payload: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  try {
    return verify(algorithm, payload, key, signature)
  } catch (error) {
    // Bytes that have not even the form of a signature.
    if (error instanceof Error) return false
    throw error
  }
}

const CLAIM_TYPES = ['cosign container image signature', 'atomic container signature']

/** @see https://github.com/containers/image/blob/main/docs/containers-signature.5.md */
function readClaim(payload: Uint8Array): SignedClaim | undefined {
  const critical = parseObject(payload)?.critical
  if (!isObject(critical) || !isObject(critical.image) || !isObject(critical.identity)) return undefined
  if (typeof critical.type !== 'string' || !CLAIM_TYPES.includes(critical.type)) return undefined
  const digest = critical.image['docker-manifest-digest']
  const name = critical.identity['docker-reference']
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined
  if (typeof name !== 'string' || !isReference(name)) return undefined
  return { manifestDigest: digest, reference: parseReference(name) }
}

function parseObject(bytes: Uint8Array) {
  try {
    const document: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isObject(document) ? document : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined
    throw error
  }
}
