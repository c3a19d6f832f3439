import { BryoError, type ErrorCode } from '../../base/errors.ts'
import { isObject } from '../../base/json.ts'
import type { HttpResponse } from './http.ts'
import { BusyError, isBusy, parseRetryAfter } from './retry.ts'

const MAX_ERROR_BODY = 64 * 1024

/**
 * Collects a body of at most `limit` bytes.
 * @param what the object in messages, e.g. `the manifest of "alpine"`
 * @throws BryoError REGISTRY where there is more
 */
export async function readLimited(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  what: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > limit) {
      throw new BryoError('REGISTRY', `cannot read ${what}: it has more than ${limit} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

/**
 * Turns an answer other than success into an error with the registry's own words.
 * @param what e.g. `manifest of "localhost:5000/app:latest"`
 * @param verb what could not be done with it
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
 */
export async function responseError(
  what: string,
  host: string,
  response: HttpResponse,
  verb = 'get',
): Promise<Error> {
  const words = await errorWords(response)
  const said = words === '' ? '' : ` (${words})`
  const message = `cannot ${verb} ${what}: ${host} answered ${response.status}${said}`
  if (isBusy(response.status)) {
    return new BusyError(message, parseRetryAfter(response.headers['retry-after'], Date.now()))
  }
  const hint = HINTS[response.status]
  return new BryoError(CODES[response.status] ?? 'REGISTRY', message, hint === undefined ? {} : { hint })
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'AUTH_REQUIRED',
  403: 'AUTH_REQUIRED',
  404: 'NOT_FOUND',
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'the name may be wrong, or the image needs a login',
  403: 'the name may be wrong, or the login has no access to the image',
  404: 'check the name and the tag',
}

async function errorWords(response: HttpResponse): Promise<string> {
  try {
    const bytes = await readLimited(response.body, MAX_ERROR_BODY, 'the error')
    const document: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    if (!isObject(document) || !Array.isArray(document.errors)) return ''
    const first: unknown = document.errors[0]
    if (!isObject(first)) return ''
    return [first.code, first.message]
      .filter((part) => typeof part === 'string')
      .map(printable)
      .join(': ')
  } catch {
    // The status says enough where the body does not.
    return ''
  }
}

/** Foreign text goes to a terminal: no control characters, no page of it. */
export function printable(text: unknown): string {
  return String(text)
    .replace(/[\x00-\x1f\x7f-\x9f]/g, ' ')
    .slice(0, 300)
}
