import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { tooLong } from '../verify.ts'
import type { HttpResponse } from './http.ts'
import { responseError } from './response.ts'
import { delayBefore, finalError, isTransient, type RetryPolicy } from './retry.ts'
import type { Session } from './session.ts'

/** So much in one connection makes the tries count from the start again: a slow line is not a broken one. */
const PROGRESS_BYTES = 1024 * 1024

/**
 * Streams a blob from `offset` to its declared end over as many connections as it takes: a cut one is resumed with Range.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs
 * @throws BryoError REGISTRY, DIGEST_MISMATCH where the registry has another size; the last error when the tries are used up
 */
export async function* downloadBlob(
  session: Session,
  descriptor: Descriptor,
  offset: number,
  retry: RetryPolicy,
): AsyncGenerator<Uint8Array> {
  let position = offset
  let failures = 0
  let startedAt = position
  while (position < descriptor.size) {
    try {
      startedAt = position
      for await (const chunk of openRange(session, descriptor, position)) {
        position += chunk.byteLength
        yield chunk
      }
      if (position < descriptor.size) throw tooShort(session, descriptor, position)
    } catch (error) {
      failures = position - startedAt >= PROGRESS_BYTES ? 1 : failures + 1
      if (!isTransient(error) || failures >= retry.attempts) throw finalError(error)
      await retry.sleep(delayBefore(retry, failures, error))
    }
  }
}

function tooShort(session: Session, descriptor: Descriptor, found: number): BryoError {
  return new BryoError(
    'DIGEST_MISMATCH',
    `cannot use blob ${descriptor.digest}: ${session.base.host} has ${found} bytes of it, expected ${descriptor.size}`,
  )
}

async function* openRange(
  session: Session,
  descriptor: Descriptor,
  position: number,
): AsyncGenerator<Uint8Array> {
  const what = `blob ${descriptor.digest}`
  const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity' }
  if (position > 0) headers.range = `bytes=${position}-`
  const response = await session.get(`blobs/${descriptor.digest}`, headers)
  if (response.status !== 200 && response.status !== 206) {
    throw await responseError(what, session.base.host, response)
  }
  try {
    const start = checkAnswer(what, response, descriptor, position)
    let at = start
    for await (const chunk of response.body) {
      at += chunk.byteLength
      if (at > descriptor.size) throw tooLong(what, descriptor.size)
      if (at <= position) continue
      const known = Math.max(0, position - (at - chunk.byteLength))
      yield known === 0 ? chunk : chunk.subarray(known)
    }
  } finally {
    response.discard()
  }
}

/** Where in the blob the body starts: a registry may ignore Range and send everything. */
function checkAnswer(what: string, response: HttpResponse, descriptor: Descriptor, position: number): number {
  const length = Number(response.headers['content-length'] ?? Number.NaN)
  if (response.status === 200) {
    if (!Number.isNaN(length) && length !== descriptor.size) {
      throw new BryoError(
        'DIGEST_MISMATCH',
        `cannot use ${what}: the registry has ${length} bytes, expected ${descriptor.size}`,
      )
    }
    return 0
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers['content-range'] ?? '')
  const total = range?.[3] === '*' ? descriptor.size : Number(range?.[3])
  if (Number(range?.[1]) !== position || total !== descriptor.size) {
    throw new BryoError('REGISTRY', `cannot resume ${what}: the registry sent another part than asked for`)
  }
  return position
}
