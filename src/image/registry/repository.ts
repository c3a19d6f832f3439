import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { isObject } from '../../base/json.ts'
import { parseJsonObject } from '../json.ts'
import { MAX_MANIFEST_SIZE } from '../manifest.ts'
import { MANIFEST_TYPES, MEDIA_TYPE } from '../mediaTypes.ts'
import { type ImageReference, repositoryName } from '../reference.ts'
import type { BlobSource } from '../source.ts'
import { checkSize, collectBlob, digestOf } from '../verify.ts'
import { downloadBlob } from './blob.ts'
import { type Connection, connect, type RegistryOptions } from './connect.ts'
import { readLimited, responseError } from './response.ts'
import { isTransientAtFirst, withRetry } from './retry.ts'
import type { Session } from './session.ts'

export type RepositoryReference = Pick<ImageReference, 'domain' | 'path'>

export interface FetchedManifest {
  readonly bytes: Uint8Array
  readonly digest: Digest
  /** From Content-Type, without parameters. */
  readonly mediaType: string
}

/** One repository of a registry. Disposing of it ends all that goes on; left open, its idle connections keep the process alive. */
export interface Repository extends BlobSource, Disposable {
  /** By tag or digest; what a digest names is verified. */
  readonly fetchManifest: (tagOrDigest: string) => Promise<FetchedManifest>
  readonly listTags: () => Promise<readonly string[]>
  /** The list of what refers to a manifest, as it came; undefined where the registry keeps none. */
  readonly fetchReferrers: (manifest: Digest) => Promise<Uint8Array | undefined>
}

/**
 * @throws BryoError AUTH_REQUIRED, NETWORK, REGISTRY
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export async function openRepository(
  reference: RepositoryReference,
  options: RegistryOptions,
): Promise<Repository> {
  return repositoryOn(
    await connect(options, {
      domain: reference.domain,
      root: `/v2/${reference.path}/`,
      scopes: [`repository:${reference.path}:pull`],
      login: repositoryName(reference),
      purpose: 'pull from',
    }),
    reference,
  )
}

/** What can be read over a connection. */
export function repositoryOn(connection: Connection, reference: RepositoryReference): Repository {
  const { session, retry } = connection
  const name = repositoryName(reference)
  const manifest = (tagOrDigest: string) =>
    withRetry(retry, () => fetchManifest(session, reference, tagOrDigest), isTransientAtFirst)
  return {
    fetchManifest: manifest,
    listTags: () => withRetry(retry, () => listTags(session, name), isTransientAtFirst),
    fetchReferrers: (digest) =>
      withRetry(retry, () => fetchReferrers(session, name, digest), isTransientAtFirst),
    openBlob: (descriptor, offset) => downloadBlob(session, descriptor, offset, retry),
    readBlob: (descriptor, limit) =>
      collectBlob(
        `blob ${descriptor.digest}`,
        downloadBlob(session, descriptor, 0, retry),
        descriptor,
        limit,
      ),
    readManifest: async (descriptor) => {
      const fetched = await manifest(descriptor.digest)
      checkSize(`manifest ${descriptor.digest}`, fetched.bytes, descriptor.size)
      return fetched.bytes
    },
    [Symbol.dispose]: connection[Symbol.dispose],
  }
}

async function fetchManifest(
  session: Session,
  repository: RepositoryReference,
  tagOrDigest: string,
): Promise<FetchedManifest> {
  const byDigest = tagOrDigest.startsWith('sha256:')
  const shown = `${repositoryName(repository)}${byDigest ? '@' : ':'}${tagOrDigest}`
  const what = `manifest of "${shown}"`
  const accept = MANIFEST_TYPES.join(', ')
  const response = await session.get(`manifests/${tagOrDigest}`, { accept, 'accept-encoding': 'identity' })
  if (response.status !== 200) throw await responseError(what, session.base.host, response)
  const bytes = await readLimited(response.body, MAX_MANIFEST_SIZE, what)
  const digest = digestOf(bytes)
  if (byDigest && digest !== tagOrDigest) {
    throw new BryoError(
      'DIGEST_MISMATCH',
      `cannot use ${what}: its digest is ${digest}, expected ${tagOrDigest}`,
    )
  }
  const mediaType = (response.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  return { bytes, digest, mediaType }
}

/** What registries answer that do not know the request. */
const NO_REFERRERS = [400, 404, 405, 406]

/** @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers */
async function fetchReferrers(
  session: Session,
  name: string,
  digest: Digest,
): Promise<Uint8Array | undefined> {
  const response = await session.get(`referrers/${digest}`, { accept: MEDIA_TYPE.ociIndex })
  if (NO_REFERRERS.includes(response.status)) {
    response.discard()
    return undefined
  }
  const what = `referrers of "${name}@${digest}"`
  if (response.status !== 200) throw await responseError(what, session.base.host, response)
  return readLimited(response.body, MAX_MANIFEST_SIZE, what)
}

const MAX_TAG_PAGES = 100

/** Every page of the list. @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags */
async function listTags(session: Session, name: string): Promise<readonly string[]> {
  const tags: string[] = []
  let query = 'n=1000'
  for (let page = 0; page < MAX_TAG_PAGES; page++) {
    const response = await session.get(`tags/list?${query}`, { accept: 'application/json' })
    if (response.status !== 200) throw await responseError(`tags of "${name}"`, session.base.host, response)
    const bytes = await readLimited(response.body, MAX_MANIFEST_SIZE, `tags of "${name}"`)
    tags.push(...readTags(name, bytes))
    const next = /<[^>]*\?([^>]*)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ''))
    if (!next?.[1]) return tags
    query = next[1]
  }
  throw new BryoError('REGISTRY', `cannot list tags of "${name}": more than ${MAX_TAG_PAGES} pages`)
}

function readTags(name: string, bytes: Uint8Array): readonly string[] {
  const document = parseJsonObject(`tags of "${name}"`, bytes, MAX_MANIFEST_SIZE)
  if (!isObject(document) || document.tags == null) return []
  if (!Array.isArray(document.tags) || !document.tags.every((tag) => typeof tag === 'string')) {
    throw new BryoError('REGISTRY', `cannot list tags of "${name}": the registry sent no list`)
  }
  return document.tags
}
