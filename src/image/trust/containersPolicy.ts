import { isObject, type JsonObject } from '../../base/json.ts'
import {
  invalidPolicy,
  type SignedIdentity,
  type TrustKey,
  type TrustRequirement,
  type TrustScopes,
} from './policy.ts'

/** What a policy.json says: of registries, of archives and directories by the name of their transport and their path, and of all else. */
export interface ContainersPolicy {
  readonly source: string
  readonly registries: TrustScopes
  readonly transports: ReadonlyMap<string, TrustScopes['scopes']>
  readonly fallback: readonly TrustRequirement[]
}

/**
 * @throws BryoError USAGE; a part that is not understood is never passed over
 * @see containers-policy.json(5)
 */
export function parseContainersPolicy(source: string, text: string): ContainersPolicy {
  const document = parse(source, text)
  const fallback = requirements(source, document.default, 'default')
  const transports =
    document.transports === undefined ? {} : object(source, document.transports, 'transports')
  const parsed = Object.entries(transports).map(([name, scopes]) => {
    const entries = Object.entries(object(source, scopes, name))
    return [
      name,
      new Map(entries.map(([scope, value]) => [scope, requirements(source, value, `${name} "${scope}"`)])),
    ] as const
  })
  const docker = parsed.find(([name]) => name === 'docker')?.[1]
  return {
    source,
    registries: { source, scopes: docker ?? new Map() },
    transports: new Map(parsed.filter(([name]) => name !== 'docker')),
    fallback,
  }
}

function parse(source: string, text: string): JsonObject {
  try {
    return object(source, JSON.parse(text), 'the document')
  } catch (error) {
    if (error instanceof SyntaxError) throw invalidPolicy(source, 'it is no JSON')
    throw error
  }
}

function object(source: string, value: unknown, what: string): JsonObject {
  if (isObject(value)) return value
  throw invalidPolicy(source, `${what} is no object`)
}

function requirements(source: string, value: unknown, what: string): readonly TrustRequirement[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidPolicy(source, `${what} is no list of at least one requirement`)
  }
  return value.map((item) => requirement(source, object(source, item, what)))
}

function requirement(source: string, item: JsonObject): TrustRequirement {
  switch (item.type) {
    case 'insecureAcceptAnything':
      return { kind: 'accept' }
    case 'reject':
      return { kind: 'reject' }
    case 'sigstoreSigned':
      return sigstoreSigned(source, item)
    case 'signedBy':
      return { kind: 'unsupported', type: 'signedBy (GPG signatures)' }
    default:
      throw invalidPolicy(source, `it has the unknown requirement ${JSON.stringify(item.type)}`)
  }
}

const KEY_MEMBERS = ['keyPath', 'keyPaths', 'keyData', 'keyDatas']
const SIGSTORE_MEMBERS = new Set(['type', 'signedIdentity', ...KEY_MEMBERS])

function sigstoreSigned(source: string, item: JsonObject): TrustRequirement {
  const other = Object.keys(item).find((key) => !SIGSTORE_MEMBERS.has(key))
  // Certificates and transparency logs ask for more than a key says.
  if (other !== undefined) return { kind: 'unsupported', type: `sigstoreSigned with ${other}` }
  const paths = [item.keyPath, ...list(item.keyPaths)].filter((path) => path !== undefined)
  const datas = [item.keyData, ...list(item.keyDatas)].filter((data) => data !== undefined)
  const keys: TrustKey[] = [
    ...paths.map((path) => ({ kind: 'file' as const, path: text(source, path) })),
    ...datas.map((data) => ({
      kind: 'data' as const,
      pem: Buffer.from(text(source, data), 'base64').toString(),
    })),
  ]
  if (keys.length === 0) throw invalidPolicy(source, 'sigstoreSigned names no key')
  return { kind: 'signed', keys, identity: identity(source, item.signedIdentity) }
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function text(source: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalidPolicy(source, `${JSON.stringify(value)} is no text`)
}

function identity(source: string, value: unknown): SignedIdentity {
  if (value === undefined) return { kind: 'repository-digest-or-exact' }
  const item = object(source, value, 'signedIdentity')
  switch (item.type) {
    case 'matchRepository':
      return { kind: 'repository' }
    case 'matchExact':
      return { kind: 'exact' }
    case 'matchRepoDigestOrExact':
      return { kind: 'repository-digest-or-exact' }
    case 'exactRepository':
      return { kind: 'named-repository', repository: text(source, item.dockerRepository) }
    case 'exactReference':
      return { kind: 'named-reference', reference: text(source, item.dockerReference) }
    case 'remapIdentity':
      return {
        kind: 'remap',
        prefix: text(source, item.prefix),
        signedPrefix: text(source, item.signedPrefix),
      }
    default:
      throw invalidPolicy(source, `it has the unknown signedIdentity ${JSON.stringify(item.type)}`)
  }
}
