import { readFileSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { familiarName, type ImageReference } from '../../image/reference.ts'
import type { Repository } from '../../image/registry/repository.ts'
import {
  matchesIdentity,
  type TrustKey,
  type TrustRequirement,
  type TrustRule,
} from '../../image/trust/policy.ts'
import type { Engine } from '../engine.ts'
import { readTrustPolicy, ruleFor } from './trustPolicy.ts'

/** A document that signs manifests, and where what it names can be read. */
export interface SignatureArtifact {
  readonly bytes: Uint8Array
  readonly readBlob: (descriptor: Descriptor, limit: number) => Promise<Uint8Array>
}

/** Gives what is kept under a tag beside the image, and what else may be of it. */
export type FetchSignature = (tag: string) => Promise<readonly SignatureArtifact[]>

export interface TrustSubject {
  /** The name that was asked for; undefined for an image of an archive without one. */
  readonly reference: ImageReference | undefined
  /** `oci-archive` and the like; undefined for a registry. */
  readonly transport?: string | undefined
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
): (digests: readonly Digest[], fetchSignature: FetchSignature) => Promise<void> {
  const { reference, transport, policyFile } = subject
  const rule = ruleFor(readTrustPolicy(engine.facts, policyFile), reference, transport)
  const label = reference ? familiarName(reference) : 'an image without a name'
  for (const { kind } of rule.requirements) if (kind === 'reject') throw refused(label, rule, 'it rejects it')
  return async (digests, fetchSignature) => {
    for (const requirement of rule.requirements) {
      await meet(requirement, { rule, label, reference, digests, fetchSignature })
    }
  }
}

/** Signatures lie beside the image, under tags of their own. */
export function signaturesOf(repository: Repository): FetchSignature {
  return async (tag) => {
    try {
      const { bytes } = await repository.fetchManifest(tag)
      return [{ bytes, readBlob: repository.readBlob }]
    } catch (error) {
      if (error instanceof BryoError && error.code === 'NOT_FOUND') return []
      throw error
    }
  }
}

interface Check {
  readonly rule: TrustRule
  readonly label: string
  readonly reference: ImageReference | undefined
  readonly digests: readonly Digest[]
  readonly fetchSignature: FetchSignature
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

async function expectSigned(
  { keys: sources, identity }: Extract<TrustRequirement, { kind: 'signed' }>,
  check: Check & { readonly reference: ImageReference },
): Promise<void> {
  const { readPublicKey, signatureTag, verifySignature } = await import('../../image/trust/signature.ts')
  const keys = sources.map((source) => readPublicKey(nameOf(source), pemOf(source)))
  const { digests, fetchSignature, reference, rule, label } = check
  let found = 0
  for (const digest of digests) {
    for (const { payload, signature, readBlob } of await findSignatures(
      fetchSignature,
      signatureTag(digest),
    )) {
      found += 1
      if (payload.size > MAX_PAYLOAD) continue
      const signed = { payload: await readBlob(payload, MAX_PAYLOAD), signature }
      for (const key of keys) {
        const claim = verifySignature(signed, key)
        if (claim?.manifestDigest === digest && matchesIdentity(identity, claim.reference, reference)) return
      }
    }
  }
  const problem =
    found === 0 ? 'there is no signature' : `none of the ${found} signatures is by its keys and for this name`
  throw refused(label, rule, problem)
}

async function findSignatures(fetchSignature: FetchSignature, tag: string) {
  const { readSignatureManifest } = await import('../../image/trust/signature.ts')
  const artifacts = await fetchSignature(tag)
  return artifacts.flatMap(({ bytes, readBlob }) =>
    readSignatureManifest(bytes).map((layer) => ({ ...layer, readBlob })),
  )
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
