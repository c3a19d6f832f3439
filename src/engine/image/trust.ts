import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { familiarName, type ImageReference } from '../../image/reference.ts'
import {
  matchesIdentity,
  type TrustKey,
  type TrustRequirement,
  type TrustRule,
} from '../../image/trust/policy.ts'
import type { SignedClaim } from '../../image/trust/signature.ts'
import type { Engine } from '../engine.ts'
import { readTrustPolicy, ruleFor, type Transport } from './trustPolicy.ts'

/** A document that may sign manifests, and where what it names can be read. */
export interface SignatureArtifact {
  readonly bytes: Uint8Array
  readonly readBlob: (descriptor: Descriptor, limit: number) => Promise<Uint8Array>
}

/** Gives what is kept beside an image and may sign this manifest; asked only where a policy wants a signature. */
export type FindSignatures = (manifest: Digest) => AsyncIterable<SignatureArtifact>

export interface TrustSubject {
  /** The name that was asked for; undefined for an image of an archive without one. */
  readonly reference: ImageReference | undefined
  /** Undefined for a registry. */
  readonly transport?: Transport | undefined
  /** `--signature-policy`. */
  readonly policyFile?: string | undefined
}

/**
 * The check that an image must pass before a byte of its layers is taken: of the manifest, or of an index that names it. An image that is
 * rejected whatever it is, is rejected here, before anybody is asked for it.
 * @throws BryoError PERMISSION for an image that is not trusted, USAGE for a policy or a key that cannot be used
 */
export function openTrust(
  engine: Engine,
  subject: TrustSubject,
): (digests: readonly Digest[], findSignatures: FindSignatures) => Promise<void> {
  const { reference, transport, policyFile } = subject
  const rule = ruleFor(readTrustPolicy(engine.facts, policyFile), reference, transport)
  const label = reference ? familiarName(reference) : 'an image without a name'
  for (const { kind } of rule.requirements) if (kind === 'reject') throw refused(label, rule, 'it rejects it')
  return async (digests, findSignatures) => {
    for (const requirement of rule.requirements) {
      await meet(requirement, { rule, label, reference, digests, findSignatures })
    }
  }
}

interface Check {
  readonly rule: TrustRule
  readonly label: string
  readonly reference: ImageReference | undefined
  readonly digests: readonly Digest[]
  readonly findSignatures: FindSignatures
}

async function meet(requirement: TrustRequirement, check: Check): Promise<void> {
  const { rule, label, reference } = check
  switch (requirement.kind) {
    case 'accept':
      return
    case 'reject':
      throw refused(label, rule, 'it rejects it')
    case 'unsupported':
      throw refused(label, rule, `it asks for ${requirement.type}, which bryo cannot check`)
    case 'signed':
      if (!reference) throw refused(label, rule, 'it asks for a signature, which needs a name')
      await expectSigned(requirement, { ...check, reference })
  }
}

const MAX_PAYLOAD = 64 * 1024
const MAX_BUNDLE = 256 * 1024

async function expectSigned(
  { keys: sources, identity }: Extract<TrustRequirement, { kind: 'signed' }>,
  check: Check & { readonly reference: ImageReference },
): Promise<void> {
  const { readPublicKey } = await import('../../image/trust/key.ts')
  const keys = sources.map((source) => readPublicKey(nameOf(source), pemOf(source)))
  const { digests, findSignatures, reference, rule, label } = check
  let found = 0
  let nameless = false
  for (const digest of digests) {
    for await (const claims of claimsOf(findSignatures(digest), keys)) {
      found += 1
      const fitting = claims.filter(({ manifestDigests }) => manifestDigests.includes(digest))
      if (fitting.some((claim) => matchesIdentity(identity, claim.reference, reference))) return
      nameless ||= fitting.some((claim) => claim.reference === undefined)
    }
  }
  if (nameless) throw namesNoImage(label, rule)
  const problem =
    found === 0 ? 'there is no signature' : `none of the ${found} signatures is by its keys and for this name`
  throw refused(label, rule, problem)
}

/** For each signature what it says by one of the keys; nothing where it is by none of them. */
async function* claimsOf(
  artifacts: AsyncIterable<SignatureArtifact>,
  keys: readonly KeyObject[],
): AsyncGenerator<readonly SignedClaim[]> {
  const { readSignatureManifest } = await import('../../image/trust/artifact.ts')
  const { verifySignature } = await import('../../image/trust/signature.ts')
  const { verifyBundle } = await import('../../image/trust/bundle.ts')
  for await (const { bytes, readBlob } of artifacts) {
    for (const { blob, signature } of readSignatureManifest(bytes)) {
      const limit = signature ? MAX_PAYLOAD : MAX_BUNDLE
      const content = blob.size > limit ? undefined : await readBlob(blob, limit)
      yield keys.flatMap((key) => {
        if (!content) return []
        return (signature ? verifySignature(content, signature, key) : verifyBundle(content, key)) ?? []
      })
    }
  }
}

function nameOf(key: TrustKey): string {
  return key.kind === 'file' ? key.path : 'keyData'
}

function pemOf(key: TrustKey): string {
  if (key.kind === 'data') return key.pem
  try {
    return readFileSync(key.path, 'utf8')
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'EACCES', 'ENOTDIR', 'EISDIR')) throw cause
    throw new BryoError('USAGE', `cannot use the key "${key.path}": it cannot be read`, { cause })
  }
}

function refused(label: string, { source }: TrustRule, problem: string): BryoError {
  return new BryoError('PERMISSION', `cannot trust "${label}": ${problem}, by the policy of ${source}`)
}

function namesNoImage(label: string, { source }: TrustRule): BryoError {
  return new BryoError(
    'PERMISSION',
    `cannot trust "${label}": its signature is by a key of ${source}, but names no image, and the policy asks for the name`,
    {
      hint: 'in bryo.conf, "signed-digest-by KEY" is content with what signs the digest alone, as cosign does',
    },
  )
}
