import type { KeyObject } from 'node:crypto'
import { parseDigest } from '../../base/digest.ts'
import { isObject } from '../../base/json.ts'
import { parseObject, SIGN_PREDICATE } from './artifact.ts'
import { isSignedBy } from './key.ts'
import type { SignedClaim } from './signature.ts'

const STATEMENT_TYPE = 'application/vnd.in-toto+json'

/**
 * What a Sigstore bundle says, where it signs images and was signed with this key; else undefined. Such a bundle names digests and no
 * image. Pure.
 * @see https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
 * @see https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
 */
export function verifyBundle(bytes: Uint8Array, key: KeyObject): SignedClaim | undefined {
  const envelope = parseObject(bytes)?.dsseEnvelope
  if (!isObject(envelope) || envelope.payloadType !== STATEMENT_TYPE) return undefined
  if (typeof envelope.payload !== 'string' || !Array.isArray(envelope.signatures)) return undefined
  const payload = Buffer.from(envelope.payload, 'base64')
  const signed = preAuthentication(STATEMENT_TYPE, payload)
  // The form allows several; a bundle has one.
  const [first, second] = envelope.signatures
  if (second !== undefined || !isObject(first) || typeof first.sig !== 'string') return undefined
  if (!isSignedBy(signed, Buffer.from(first.sig, 'base64'), key)) return undefined
  return readStatement(payload)
}

/** What is really signed: type and content, each with its length. @see https://github.com/secure-systems-lab/dsse/blob/master/protocol.md */
function preAuthentication(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
}

/** @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
function readStatement(payload: Uint8Array): SignedClaim | undefined {
  const statement = parseObject(payload)
  if (statement?.predicateType !== SIGN_PREDICATE || !Array.isArray(statement.subject)) return undefined
  const manifestDigests = statement.subject.flatMap((subject: unknown) => {
    const hex = isObject(subject) && isObject(subject.digest) ? subject.digest.sha256 : undefined
    return typeof hex === 'string' && /^[0-9a-f]{64}$/.test(hex) ? [parseDigest(`sha256:${hex}`)] : []
  })
  return { manifestDigests, reference: undefined }
}
