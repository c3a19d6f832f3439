import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { BryoError } from '../../base/errors.ts'

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

/** Pure. @param signature raw bytes, for ECDSA in DER */
export function isSignedBy(data: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  return hashesFor(key).some((algorithm) => isSignedWith(algorithm, { data, signature, key }))
}

/**
 * Older signers take SHA-256 with every key, newer ones the hash that fits the curve.
 * @see https://github.com/sigstore/protobuf-specs (PublicKeyDetails)
 */
function hashesFor(key: KeyObject): readonly (string | null)[] {
  if (key.asymmetricKeyType === 'ed25519') return [null]
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case 'secp384r1':
      return ['sha256', 'sha384']
    case 'secp521r1':
      return ['sha256', 'sha512']
    default:
      return ['sha256']
  }
}

interface Signed {
  readonly data: Uint8Array
  readonly signature: Uint8Array
  readonly key: KeyObject
}

function isSignedWith(algorithm: string | null, { data, signature, key }: Signed): boolean {
  try {
    return verify(algorithm, data, key, signature)
  } catch (error) {
    // Bytes that have not even the form of a signature.
    if (error instanceof Error) return false
    throw error
  }
}
