import { createHash } from 'node:crypto'
import type { Digest } from '../base/brand.ts'
import { parseDigest } from '../base/digest.ts'
import { BryoError } from '../base/errors.ts'
import type { Descriptor } from '../base/image.ts'

export function digestOf(bytes: Uint8Array): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
}

/**
 * @param what the object in messages, e.g. `manifest of "alpine"`
 * @throws BryoError DIGEST_MISMATCH
 */
export function verifyBytes(what: string, bytes: Uint8Array, expected: Digest): void {
  const found = digestOf(bytes)
  if (found === expected) return
  throw new BryoError('DIGEST_MISMATCH', `cannot use ${what}: its digest is ${found}, expected ${expected}`)
}

/** @throws BryoError DIGEST_MISMATCH */
export function checkSize(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.byteLength === expected) return
  throw new BryoError(
    'DIGEST_MISMATCH',
    `cannot use ${what}: it has ${bytes.byteLength} bytes, expected ${expected}`,
  )
}

/** Passes a stream on while it has the declared length: neither more nor less. */
export async function* exactly(
  what: string,
  chunks: AsyncIterable<Uint8Array>,
  expected: number,
): AsyncGenerator<Uint8Array> {
  let left = expected
  for await (const chunk of chunks) {
    left -= chunk.byteLength
    if (left < 0) throw tooLong(what, expected)
    yield chunk
  }
  if (left > 0) {
    throw new BryoError(
      'DIGEST_MISMATCH',
      `cannot use ${what}: it ends after ${expected - left} bytes, expected ${expected}`,
    )
  }
}

export function tooLong(what: string, expected: number): BryoError {
  return new BryoError(
    'DIGEST_MISMATCH',
    `cannot use ${what}: it has more than the declared ${expected} bytes`,
  )
}

/** Collects a small blob and verifies it against its descriptor. @param limit bytes */
export async function collectBlob(
  what: string,
  chunks: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  limit: number,
): Promise<Uint8Array> {
  checkLimit(what, descriptor, limit)
  const parts: Uint8Array[] = []
  for await (const chunk of exactly(what, chunks, descriptor.size)) parts.push(chunk)
  const bytes = Buffer.concat(parts)
  verifyBytes(what, bytes, descriptor.digest)
  return bytes
}

function checkLimit(what: string, descriptor: Descriptor, limit: number): void {
  if (descriptor.size <= limit) return
  throw new BryoError(
    'INVALID_IMAGE',
    `cannot use ${what}: it declares ${descriptor.size} bytes, expected at most ${limit}`,
  )
}
