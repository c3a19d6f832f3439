import { invalidArchive } from './error.ts'

const SPACE = 0x20
const ZERO = 0x30
const SEVEN = 0x37

/**
 * A number field of a header: octal digits, or base-256 where the first bit is set. An empty field is 0.
 * @throws BryoError INVALID_ARCHIVE for other characters and for what a double cannot hold exactly
 */
export function parseNumber(block: Uint8Array, offset: number, length: number, field: string): number {
  const first = block[offset] ?? 0
  if (first & 0x80) return parseBase256(block, offset, length, field)
  let index = offset
  const end = offset + length
  while (index < end && block[index] === SPACE) index++
  let value = 0
  for (; index < end; index++) {
    const byte = block[index] ?? 0
    if (byte === 0 || byte === SPACE) break
    if (byte < ZERO || byte > SEVEN) throw invalidArchive(`the ${field} of a header is not a number`)
    value = value * 8 + (byte - ZERO)
  }
  return value
}

/** Two's complement, most significant byte first; the flag bit is the sign's place. */
function parseBase256(block: Uint8Array, offset: number, length: number, field: string): number {
  const first = block[offset] ?? 0
  let value = BigInt(first & 0x7f) - (first & 0x40 ? 0x80n : 0n)
  for (let index = 1; index < length; index++) value = (value << 8n) | BigInt(block[offset + index] ?? 0)
  const result = Number(value)
  if (!Number.isSafeInteger(result)) throw invalidArchive(`the ${field} of a header is out of range`)
  return result
}

/** A decimal number of a pax record. */
export function parseDecimal(text: string, field: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw invalidArchive(`the ${field} of an extended header is no number`)
  return value
}
