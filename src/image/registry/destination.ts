import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { repositoryName } from '../reference.ts'
import { digestOf } from '../verify.ts'
import { connect, type RegistryOptions } from './connect.ts'
import type { Repository, RepositoryReference } from './repository.ts'
import { repositoryOn } from './repository.ts'
import { responseError } from './response.ts'
import { isTransientAtFirst, withRetry } from './retry.ts'
import type { Session } from './session.ts'
import { type UploadBlob, uploadBlob, uploadOf } from './upload.ts'

/** A repository that may be written to. */
export interface Destination extends Repository {
  readonly hasBlob: (digest: Digest) => Promise<boolean>
  /**
   * Takes over a blob that another repository of the same registry has, without sending it.
   * @returns false where the registry does not
   */
  readonly mountBlob: (digest: Digest, fromPath: string) => Promise<boolean>
  readonly uploadBlob: (blob: UploadBlob, onProgress?: (bytes: number) => void) => Promise<void>
  /** @param tagOrDigest under which it is found then */
  readonly putManifest: (tagOrDigest: string, bytes: Uint8Array, mediaType: string) => Promise<void>
}

export interface DestinationOptions extends RegistryOptions {
  /** Paths of repositories of the same registry from which blobs may be mounted. */
  readonly mountFrom?: readonly string[]
}

/** @throws BryoError AUTH_REQUIRED, NETWORK, REGISTRY */
export async function openDestination(
  reference: RepositoryReference,
  options: DestinationOptions,
): Promise<Destination> {
  const { mountFrom = [] } = options
  const connection = await connect(options, {
    domain: reference.domain,
    root: `/v2/${reference.path}/`,
    scopes: [`repository:${reference.path}:pull,push`, ...mountFrom.map((path) => `repository:${path}:pull`)],
    login: repositoryName(reference),
    purpose: 'push to',
  })
  const { session, retry } = connection
  return {
    ...repositoryOn(connection, reference),
    hasBlob: (digest) => withRetry(retry, () => hasBlob(session, digest), isTransientAtFirst),
    mountBlob: (digest, fromPath) => withRetry(retry, () => mountBlob(session, digest, fromPath)),
    uploadBlob: (blob, onProgress) => uploadBlob(session, blob, { retry, ...(onProgress && { onProgress }) }),
    putManifest: (tagOrDigest, bytes, mediaType) =>
      withRetry(retry, () => putManifest(session, reference, { tagOrDigest, bytes, mediaType })),
  }
}

async function hasBlob(session: Session, digest: Digest): Promise<boolean> {
  const response = await session.send(`blobs/${digest}`, { method: 'HEAD', headers: {} })
  if (response.status === 200 || response.status === 404) {
    response.discard()
    return response.status === 200
  }
  throw await responseError(`blob ${digest}`, session.base.host, response, 'push')
}

/** @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository */
async function mountBlob(session: Session, digest: Digest, fromPath: string): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from: fromPath })
  const response = await session.send(`blobs/uploads/?${query}`, { method: 'POST', headers: {} })
  if (response.status !== 202) {
    response.discard()
    return response.status === 201
  }
  // The registry began an upload instead, which nobody will go on with.
  const { location } = uploadOf(session, response, 0)
  const cancelled = await session.send(location, { method: 'DELETE', headers: {} })
  cancelled.discard()
  return false
}

interface Put {
  readonly tagOrDigest: string
  readonly bytes: Uint8Array
  readonly mediaType: string
}

async function putManifest(
  session: Session,
  reference: RepositoryReference,
  { tagOrDigest, bytes, mediaType }: Put,
): Promise<void> {
  const separator = tagOrDigest.startsWith('sha256:') ? '@' : ':'
  const what = `manifest of "${repositoryName(reference)}${separator}${tagOrDigest}"`
  const response = await session.send(`manifests/${tagOrDigest}`, {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: { length: bytes.byteLength, open: () => [bytes] },
  })
  if (response.status !== 201 && response.status !== 200) {
    throw await responseError(what, session.base.host, response, 'push')
  }
  response.discard()
  const stored = response.headers['docker-content-digest']
  const expected = digestOf(bytes)
  if (stored === undefined || stored === expected) return
  throw new BryoError(
    'DIGEST_MISMATCH',
    `cannot push ${what}: ${session.base.host} stored ${String(stored).slice(0, 100)}, expected ${expected}`,
  )
}
