const SIZE = /^(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?$/i
const POWERS = 'bkmgtp'

/** Bytes of `64m`, `1g`, `512`, `1.5GiB`: units are powers of 1024. */
export function parseSize(text: string): number {
  const [, digits, unit = ''] = SIZE.exec(text) ?? []
  const bytes = Math.floor(Number(digits) * 1024 ** Math.max(0, POWERS.indexOf(unit.toLowerCase() || 'b')))
  if (digits === undefined || !Number.isSafeInteger(bytes)) {
    throw new Error('expected a size such as 64m or 1g (units b, k, m, g)')
  }
  return bytes
}
