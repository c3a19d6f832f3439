import type { KeyObject } from 'node:crypto'
import type { Digest } from '../../base/brand.ts'
import { isDigest } from '../../base/digest.ts'
import { isObject } from '../../base/json.ts'
import { hasTag, type ImageReference, isReference, parseReference } from '../reference.ts'
import { parseObject } from './artifact.ts'
import { isSignedBy } from './key.ts'

/** What a signature says that holds: nothing of it counts before the signature is verified. */
export interface SignedClaim {
  readonly manifestDigests: readonly Digest[]
  /** Undefined where it names no image. Without a tag where it names none. */
  readonly reference: ImageReference | undefined
}

/** What the payload says, where the signature over it is of this key; else undefined. Pure. */
export function verifySignature(
  payload: Uint8Array,
  signature: Uint8Array,
  key: KeyObject,
): SignedClaim | undefined {
  return isSignedBy(payload, signature, key) ? readClaim(payload) : undefined
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
  const { tag, ...untagged } = parseReference(name)
  const reference = tag !== undefined && hasTag(name) ? { ...untagged, tag } : untagged
  return { manifestDigests: [digest], reference }
}
