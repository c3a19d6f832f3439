import { invalidArchive } from './error.ts'
import { BLOCK_SIZE } from './input.ts'
import { parseNumber } from './number.ts'

/** Where each field of a header lies: offset and length. @see pax(1) of POSIX, "ustar Interchange Format" */
export const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeflag: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  devMajor: [329, 8],
  devMinor: [337, 8],
  prefix: [345, 155],
} as const satisfies Record<string, readonly [number, number]>

/** The fields of one header block as they are; the strings are copies. */
export interface RawHeader {
  readonly name: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly typeflag: string
  readonly linkName: Buffer
  readonly devMajor: number
  readonly devMinor: number
}

const SLASH = Buffer.from('/')

export function isZeroBlock(block: Uint8Array): boolean {
  for (let index = 0; index < BLOCK_SIZE; index++) if (block[index] !== 0) return false
  return true
}

/** @throws BryoError INVALID_ARCHIVE where the checksum or a number is wrong */
export function parseHeader(block: Buffer): RawHeader {
  verifyChecksum(block)
  const typeflag = String.fromCharCode(block[FIELD.typeflag[0]] ?? 0)
  const device = typeflag === '3' || typeflag === '4'
  return {
    name: fullName(block),
    mode: number(block, 'mode') & 0o7777,
    uid: number(block, 'uid'),
    gid: number(block, 'gid'),
    size: number(block, 'size'),
    mtime: number(block, 'mtime'),
    typeflag,
    linkName: text(block, ...FIELD.linkName),
    devMajor: device ? number(block, 'devMajor') : 0,
    devMinor: device ? number(block, 'devMinor') : 0,
  }
}

function number(block: Buffer, field: 'mode' | 'uid' | 'gid' | 'size' | 'mtime' | 'devMajor' | 'devMinor') {
  return parseNumber(block, FIELD[field][0], FIELD[field][1], field)
}

/** Up to the first NUL. */
function text(block: Buffer, offset: number, length: number): Buffer {
  const nul = block.indexOf(0, offset)
  const end = nul === -1 ? offset + length : Math.min(nul, offset + length)
  return Buffer.from(block.subarray(offset, end))
}

/** GNU's own magic has other things where POSIX has the prefix; star keeps a shorter one. */
function fullName(block: Buffer): Buffer {
  const name = text(block, ...FIELD.name)
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return name
  const isStar = block.toString('latin1', 508, 512) === 'tar\0'
  const prefix = text(block, FIELD.prefix[0], isStar ? 131 : FIELD.prefix[1])
  return prefix.length === 0 ? name : Buffer.concat([prefix, SLASH, name])
}

/** Old writers summed signed bytes; both sums are accepted. */
function verifyChecksum(block: Buffer): void {
  const [offset, length] = FIELD.checksum
  let unsigned = 0x20 * length
  let signed = unsigned
  for (let index = 0; index < BLOCK_SIZE; index++) {
    if (index === offset) index += length
    const byte = block[index] ?? 0
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const stated = parseNumber(block, offset, length, 'checksum')
  if (stated !== unsigned && stated !== signed) throw invalidArchive('the checksum of a header is wrong')
}
