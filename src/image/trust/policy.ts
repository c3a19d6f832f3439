import { BryoError } from '../../base/errors.ts'
import type { ImageReference } from '../reference.ts'
import { formatReference, repositoryName } from '../reference.ts'

/** What the signature must say of the name under which the image was asked for. */
export type SignedIdentity =
  /** Whatever name it gives, or none: the digest alone is signed. */
  | { readonly kind: 'any' }
  /** The repository, whatever the tag: what cosign writes. */
  | { readonly kind: 'repository' }
  /** The whole name with its tag. */
  | { readonly kind: 'exact' }
  /** By tag the whole name; by digest the repository. */
  | { readonly kind: 'repository-digest-or-exact' }
  | { readonly kind: 'named-repository'; readonly repository: string }
  | { readonly kind: 'named-reference'; readonly reference: string }
  /** The name with a part of the front exchanged, then as `repository-digest-or-exact`. */
  | { readonly kind: 'remap'; readonly prefix: string; readonly signedPrefix: string }

export type TrustRequirement =
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject' }
  /** A signature by one of the keys. */
  | { readonly kind: 'signed'; readonly keys: readonly TrustKey[]; readonly identity: SignedIdentity }
  /** What cannot be checked here: nothing passes. */
  | { readonly kind: 'unsupported'; readonly type: string }

/** A public key in PEM: in a file, or as it is. */
export type TrustKey =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'data'; readonly pem: string }

/** An image passes when it meets all of its requirements. */
export interface TrustRule {
  /** Where it was found, for messages. */
  readonly source: string
  readonly requirements: readonly TrustRequirement[]
}

/** Rules for images of registries, by scope; `''` is that of all. */
export interface TrustScopes {
  readonly source: string
  readonly scopes: ReadonlyMap<string, readonly TrustRequirement[]>
}

/**
 * The rule of the narrowest scope: name with tag or digest, repository, namespaces from the inside, host, `*.DOMAIN` from the inside,
 * all. Pure.
 * @see containers-policy.json(5)
 */
export function findRule({ source, scopes }: TrustScopes, reference: ImageReference): TrustRule | undefined {
  for (const scope of scopesOf(reference)) {
    const requirements = scopes.get(scope)
    if (requirements) return { source, requirements }
  }
  return undefined
}

function scopesOf(reference: ImageReference): readonly string[] {
  const repository = repositoryName(reference)
  const parts = repository.split('/')
  const prefixes = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  const labels = reference.domain.replace(/:\d+$/, '').split('.')
  const wildcards = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`)
  return [formatReference(reference), ...prefixes, ...wildcards, '']
}

/**
 * The rule for an archive or directory: of its path, of the directories above it from the inside, of all. Pure.
 * @param path absolute, without links; undefined for what has none
 */
export function findPathRule(
  { source, scopes }: TrustScopes,
  path: string | undefined,
): TrustRule | undefined {
  const named = path === undefined ? undefined : [...scopes.keys()].find((key) => key.startsWith(`${path}:`))
  if (named !== undefined)
    return { source, requirements: [{ kind: 'unsupported', type: `scope "${named}"` }] }
  for (let at = path ?? ''; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const requirements = scopes.get(at)
    if (requirements) return { source, requirements }
    if (at === '') return undefined
  }
}

/**
 * Whether what a signature names is the image that was asked for. Pure.
 * @param signed undefined where it names no image
 */
export function matchesIdentity(
  identity: SignedIdentity,
  signed: ImageReference | undefined,
  asked: ImageReference,
): boolean {
  if (identity.kind === 'any') return true
  return signed !== undefined && matchesName(identity, signed, asked)
}

function matchesName(
  identity: Exclude<SignedIdentity, { kind: 'any' }>,
  signed: ImageReference,
  asked: ImageReference,
): boolean {
  switch (identity.kind) {
    case 'repository':
      return repositoryName(signed) === repositoryName(asked)
    case 'exact':
      return asked.tag !== undefined && asked.digest === undefined && sameName(signed, asked)
    case 'repository-digest-or-exact':
      return asked.digest === undefined
        ? sameName(signed, asked)
        : repositoryName(signed) === repositoryName(asked)
    case 'named-repository':
      return repositoryName(signed) === identity.repository
    case 'named-reference':
      return signed.tag !== undefined && formatReference(signed) === identity.reference
    case 'remap': {
      const name = repositoryName(asked)
      const { prefix, signedPrefix } = identity
      const mapped =
        name === prefix || name.startsWith(`${prefix}/`) ? signedPrefix + name.slice(prefix.length) : name
      if (repositoryName(signed) !== mapped) return false
      return asked.digest !== undefined || signed.tag === asked.tag
    }
  }
}

function sameName(one: ImageReference, other: ImageReference): boolean {
  return repositoryName(one) === repositoryName(other) && one.tag === other.tag
}

export function invalidPolicy(source: string, found: string): BryoError {
  return new BryoError('USAGE', `cannot use the trust policy "${source}": ${found}`)
}
