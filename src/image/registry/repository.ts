import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { isObject, parseJsonObject } from '../json.ts'
import { MAX_MANIFEST_SIZE } from '../manifest.ts'
import { MANIFEST_TYPES } from '../mediaTypes.ts'
import { type ImageReference, repositoryName } from '../reference.ts'
import type { BlobSource } from '../source.ts'
import { checkSize, collectBlob, digestOf } from '../verify.ts'
import { downloadBlob } from './blob.ts'
import { type AuthFileOptions, findCredentials } from './credentials.ts'
import { openHttpClient } from './http.ts'
import { readLimited, responseError } from './response.ts'
import { DEFAULT_RETRY, isTransientAtFirst, type RetryPolicy, withRetry } from './retry.ts'
import { openSession, type Session } from './session.ts'
import { loadTrust, type TrustOptions } from './trust.ts'

export interface RegistryOptions {
  /** False allows any certificate, and plain http. */
  readonly tlsVerify: boolean
  readonly auth: AuthFileOptions
  readonly certs: Omit<TrustOptions, 'verify'>
  /** For HTTP_PROXY, HTTPS_PROXY, NO_PROXY. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** 60 seconds by default. */
  readonly idleTimeoutMs?: number
  readonly retry?: RetryPolicy
}

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
}

const DEFAULT_IDLE_TIMEOUT_MS = 60_000

/**
 * @throws BryoError AUTH_REQUIRED, NETWORK, REGISTRY
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export async function openRepository(
  reference: Pick<ImageReference, 'domain' | 'path'>,
  options: RegistryOptions,
): Promise<Repository> {
  const closed = new AbortController()
  const policy = options.retry ?? DEFAULT_RETRY
  const retry: RetryPolicy = { ...policy, sleep: (ms) => policy.sleep(ms, closed.signal) }
  const http = await openHttpClient({
    trust: (host) => loadTrust({ ...options.certs, verify: options.tlsVerify }, host),
    env: options.env,
    idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
  })
  const name = repositoryName(reference)
  const open = () =>
    openSession({
      http,
      repository: reference,
      credentials: findCredentials(options.auth, name),
      tlsVerify: options.tlsVerify,
    })
  try {
    const session = await withRetry(retry, open, isTransientAtFirst)
    return {
      fetchManifest: (tagOrDigest) =>
        withRetry(retry, () => fetchManifest(session, reference, tagOrDigest), isTransientAtFirst),
      listTags: () => withRetry(retry, () => listTags(session, name), isTransientAtFirst),
      openBlob: (descriptor, offset) => downloadBlob(session, descriptor, offset, retry),
      readBlob: (descriptor, limit) =>
        collectBlob(
          `blob ${descriptor.digest}`,
          downloadBlob(session, descriptor, 0, retry),
          descriptor,
          limit,
        ),
      readManifest: async (descriptor) => {
        const fetched = await withRetry(
          retry,
          () => fetchManifest(session, reference, descriptor.digest),
          isTransientAtFirst,
        )
        checkSize(`manifest ${descriptor.digest}`, fetched.bytes, descriptor.size)
        return fetched.bytes
      },
      [Symbol.dispose]: () => {
        http.close()
        closed.abort()
      },
    }
  } catch (error) {
    http.close()
    throw error
  }
}

async function fetchManifest(
  session: Session,
  repository: Pick<ImageReference, 'domain' | 'path'>,
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
