import type { SparseExtent } from '../../base/tarEntry.ts'
import { invalidArchive } from './error.ts'
import { BLOCK_SIZE, type TarInput } from './input.ts'
import { parseNumber } from './number.ts'
import type { PaxSparse } from './pax.ts'

/** A file with holes: `stored` bytes follow in the archive, for a file of `size` bytes. */
export interface SparseFile {
  readonly size: number
  readonly stored: number
  readonly extents: readonly SparseExtent[]
}

/** Bounds the memory that a map takes; a file with more holes is not seen outside of attacks. */
const MAX_EXTENTS = 65_536

/**
 * GNU's old format: four extents in the header, 21 in each extension block that follows it.
 * @see https://www.gnu.org/software/tar/manual/html_node/Old-GNU-Format.html
 */
export function readOldGnuSparse(input: TarInput, header: Buffer, stored: number): SparseFile {
  const numbers: number[] = []
  collectExtents(header, 386, 4, numbers)
  const size = parseNumber(header, 483, 12, 'real size')
  let extended = header[482] !== 0
  while (extended) {
    const block = input.block()
    if (!block) throw invalidArchive('it is truncated within a header')
    collectExtents(block, 0, 21, numbers)
    extended = block[504] !== 0
  }
  return checkedFile(numbers, size, stored)
}

function collectExtents(block: Buffer, offset: number, count: number, numbers: number[]): void {
  for (let index = 0; index < count; index++) {
    const at = offset + index * 24
    if (block[at] === 0) return
    numbers.push(parseNumber(block, at, 12, 'sparse map'), parseNumber(block, at + 12, 12, 'sparse map'))
  }
  if (numbers.length > 2 * MAX_EXTENTS) throw tooManyExtents()
}

/** What pax records say: a map in the records (0.0, 0.1), or one at the start of the data (1.0). */
export function readPaxSparse(input: TarInput, sparse: PaxSparse, stored: number): SparseFile | undefined {
  const { realSize } = sparse
  if (sparse.major === 1 && sparse.minor === 0) {
    if (realSize === undefined) throw invalidArchive('a sparse file has no size')
    return readDataMap(input, realSize, stored)
  }
  if (sparse.map === undefined) {
    if (sparse.major !== undefined) throw invalidArchive('the format of a sparse file is not known')
    return undefined
  }
  if (realSize === undefined) throw invalidArchive('a sparse file has no size')
  return checkedFile(sparse.map, realSize, stored)
}

/** Version 1.0: the count and then the numbers, a line each, padded to a whole block. */
function readDataMap(input: TarInput, size: number, stored: number): SparseFile {
  const reader = lineReader(input, stored)
  const count = reader.next()
  if (count > MAX_EXTENTS) throw tooManyExtents()
  const numbers: number[] = []
  while (numbers.length < 2 * count) numbers.push(reader.next())
  return checkedFile(numbers, size, stored - reader.consumed())
}

const NEWLINE = 0x0a
const ZERO = 0x30

function lineReader(input: TarInput, stored: number) {
  let block: Buffer = Buffer.alloc(0)
  let index = 0
  let consumed = 0
  const nextByte = (): number => {
    if (index === block.length) {
      consumed += BLOCK_SIZE
      const next = consumed > stored ? undefined : input.block()
      if (!next) throw invalidArchive('a sparse map is truncated')
      block = next
      index = 0
    }
    return block[index++] ?? 0
  }
  const next = (): number => {
    let value = 0
    for (let digits = 0; ; digits++) {
      const byte = nextByte()
      if (byte === NEWLINE && digits > 0) return value
      if (byte < ZERO || byte > ZERO + 9 || digits === 15) throw invalidArchive('a sparse map is malformed')
      value = value * 10 + (byte - ZERO)
    }
  }
  return { next, consumed: () => consumed }
}

/** Extents must be in order, apart, inside the file, and as long together as the data that is stored. */
function checkedFile(numbers: readonly number[], size: number, stored: number): SparseFile {
  if (numbers.length % 2 !== 0) throw invalidArchive('a sparse map is malformed')
  if (numbers.length > 2 * MAX_EXTENTS) throw tooManyExtents()
  const extents: SparseExtent[] = []
  let end = 0
  let total = 0
  for (let index = 0; index < numbers.length; index += 2) {
    const offset = numbers[index] ?? 0
    const length = numbers[index + 1] ?? 0
    if (offset < end || length < 0 || offset + length > size) {
      throw invalidArchive('a sparse map does not fit its file')
    }
    end = offset + length
    total += length
    if (length > 0) extents.push({ offset, length })
  }
  if (total !== stored) throw invalidArchive('a sparse map does not fit its data')
  return { size, stored, extents }
}

function tooManyExtents() {
  return invalidArchive(`a sparse map has more than ${MAX_EXTENTS} entries`)
}
