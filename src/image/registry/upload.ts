import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { HttpBody, HttpResponse } from './http.ts'
import { webAddress } from './redirect.ts'
import { responseError } from './response.ts'
import { delayBefore, finalError, isTransient, type RetryPolicy } from './retry.ts'
import type { Session } from './session.ts'

/** What is sent to a registry. */
export interface UploadBlob {
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  /** The bytes from `offset` on, `length` of them; opened again where a connection was cut. */
  readonly open: (offset: number, length: number) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

export interface UploadOptions {
  readonly retry: RetryPolicy
  /** Called with the bytes that were handed over. */
  readonly onProgress?: (bytes: number) => void
  /** Blobs up to this size go in one request; others in parts of it, from which an upload can go on. */
  readonly partBytes?: number
}

const PART_BYTES = 64 * 1024 * 1024

/**
 * Sends a blob: in one request, or in parts after each of which a cut upload goes on.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
 * @throws BryoError AUTH_REQUIRED, REGISTRY, NETWORK when the tries are used up
 */
export async function uploadBlob(session: Session, blob: UploadBlob, options: UploadOptions): Promise<void> {
  const { retry } = options
  const what = `blob ${blob.digest}`
  let upload: Upload | undefined
  let failures = 0
  for (;;) {
    const before = upload?.offset ?? 0
    try {
      upload = upload ? await askState(session, what, upload) : await startUpload(session, what)
      upload = await sendParts(session, blob, { upload, options, moved: (to) => (upload = to) })
      await finish(session, blob, { upload, options })
      return
    } catch (error) {
      failures = (upload?.offset ?? 0) > before ? 1 : failures + 1
      if (error instanceof UploadLost) upload = undefined
      else if (!isTransient(error)) throw error
      if (failures >= retry.attempts) throw finalError(error)
      await retry.sleep(delayBefore(retry, failures, error))
    }
  }
}

/** An upload under way at the registry. */
interface Upload {
  readonly location: URL
  /** So many bytes are there. */
  readonly offset: number
  /** The least that a part may have. */
  readonly minimum: number
}

/** The registry knows the upload no more: it starts again. */
class UploadLost extends Error {
  override readonly name = 'UploadLost'
}

async function startUpload(session: Session, what: string): Promise<Upload> {
  const response = await session.send('blobs/uploads/', { method: 'POST', headers: {} })
  if (response.status !== 202) throw await responseError(what, session.base.host, response, 'push')
  return uploadOf(session, response, 0)
}

/** @param offset what the registry has, where it does not say */
export function uploadOf(session: Session, response: HttpResponse, offset: number): Upload {
  response.discard()
  const minimum = Number(response.headers['oci-chunk-min-length'] ?? 0) || 0
  return { location: webAddress(session.base, session.base, response.headers.location), offset, minimum }
}

/** What came of an upload that was cut. */
async function askState(session: Session, what: string, upload: Upload): Promise<Upload> {
  const response = await session.send(upload.location, { headers: {} })
  if (response.status === 404 || response.status === 405) {
    response.discard()
    throw new UploadLost(`the registry forgot the upload of ${what}`)
  }
  if (response.status !== 204 && response.status !== 202) {
    throw await responseError(what, session.base.host, response, 'push')
  }
  const end = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.range ?? '')?.[1]
  const next = response.headers.location === undefined ? upload : uploadOf(session, response, 0)
  response.discard()
  // `0-0` is what a registry says of one byte, and of none.
  const offset = end === undefined || end === '0' ? 0 : Number(end) + 1
  if (offset === 0 && upload.offset > 0) throw new UploadLost(`the registry has nothing of ${what}`)
  return { ...upload, location: next.location, offset }
}

interface Sending {
  readonly upload: Upload
  readonly options: UploadOptions
}

async function sendParts(
  session: Session,
  blob: UploadBlob,
  { upload, options, moved }: Sending & { readonly moved: (upload: Upload) => void },
): Promise<Upload> {
  const part = Math.max(options.partBytes ?? PART_BYTES, upload.minimum)
  let current = upload
  if (blob.size <= part && current.offset === 0) return current
  while (current.offset < blob.size) {
    const length = Math.min(part, blob.size - current.offset)
    const { offset } = current
    const response = await session.send(current.location, {
      method: 'PATCH',
      headers: {
        'content-type': 'application/octet-stream',
        'content-range': `${offset}-${offset + length - 1}`,
      },
      body: bodyOf(blob, { offset, length }, options),
    })
    if (response.status === 404) {
      response.discard()
      throw new UploadLost('the registry forgot an upload')
    }
    if (response.status !== 202) {
      throw await responseError(`blob ${blob.digest}`, session.base.host, response, 'push')
    }
    current = uploadOf(session, response, offset + length)
    moved(current)
  }
  return current
}

/** The end of an upload, with what was not sent yet. */
async function finish(session: Session, blob: UploadBlob, { upload, options }: Sending): Promise<void> {
  const url = new URL(upload.location)
  url.searchParams.set('digest', blob.digest)
  const left = { offset: upload.offset, length: blob.size - upload.offset }
  const response = await session.send(url, {
    method: 'PUT',
    headers: left.length > 0 ? { 'content-type': 'application/octet-stream' } : {},
    body: bodyOf(blob, left, options),
  })
  if (response.status === 404) {
    response.discard()
    throw new UploadLost('the registry forgot an upload')
  }
  if (response.status !== 201 && response.status !== 204) {
    throw await responseError(`blob ${blob.digest}`, session.base.host, response, 'push')
  }
  response.discard()
}

function bodyOf(
  blob: UploadBlob,
  { offset, length }: { readonly offset: number; readonly length: number },
  { onProgress }: UploadOptions,
): HttpBody {
  return {
    length,
    open: async function* () {
      let sent = 0
      for await (const chunk of blob.open(offset, length)) {
        yield chunk
        sent += chunk.byteLength
        onProgress?.(offset + sent)
      }
      if (sent !== length) {
        throw new BryoError('STORAGE', `cannot push blob ${blob.digest}: it has another size than expected`)
      }
    },
  }
}
