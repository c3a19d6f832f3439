import type { TarEntryType, TarHeader } from '../../base/tarEntry.ts'
import { FIELD } from './header.ts'
import { BLOCK_SIZE } from './input.ts'

/** What a ustar header can hold. */
const MAX_OCTAL_ID = 0o7777777
const MAX_OCTAL_SIZE = 0o77777777777

const TYPEFLAG: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

/**
 * The header blocks of an entry: a ustar header, preceded by a pax header for what it cannot hold. The same entry
 * gives the same bytes, always.
 * @see pax(1) of POSIX
 */
export function encodeTarHeader(header: TarHeader, sparse?: SparseLayout): Buffer {
  const stored = sparse ? { ...header, name: SPARSE_NAME, size: sparse.stored } : header
  const records = recordList({ ...paxRecords(stored), ...(sparse && sparseRecords(header)) })
  const main = ustarHeader(stored, TYPEFLAG[header.type])
  if (records.length === 0) return main
  const data = Buffer.concat(records)
  const pax = ustarHeader({ ...header, ...PAX_OWNER, name: PAX_NAME, size: data.length }, 'x')
  const padding = Buffer.alloc(-data.length & (BLOCK_SIZE - 1))
  return Buffer.concat([pax, data, padding, main])
}

const EMPTY = Buffer.alloc(0)
const PAX_NAME = Buffer.from('PaxHeaders.0/entry')
const PAX_OWNER = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0n, nanoseconds: 0n },
  linkName: EMPTY,
  devMajor: 0,
  devMinor: 0,
}

/** A file whose holes are left out: GNU's format 1.0, where the map comes before the data. */
export interface SparseLayout {
  /** Bytes in the archive: the map and the data. */
  readonly stored: number
}

const SPARSE_NAME = Buffer.from('GNUSparseFile.0/entry')

type PaxRecords = Readonly<Record<string, Buffer>>

/** @see https://www.gnu.org/software/tar/manual/html_node/PAX-1.html */
function sparseRecords(header: TarHeader): PaxRecords {
  return {
    'GNU.sparse.major': Buffer.from('1'),
    'GNU.sparse.minor': Buffer.from('0'),
    'GNU.sparse.name': header.name,
    'GNU.sparse.realsize': Buffer.from(String(header.size)),
  }
}

function paxRecords(header: TarHeader): PaxRecords {
  const records: Record<string, Buffer> = {}
  if (!splitName(header.name)) records.path = header.name
  if (!fits(header.linkName, FIELD.linkName[1])) records.linkpath = header.linkName
  if (header.size > MAX_OCTAL_SIZE) records.size = Buffer.from(String(header.size))
  if (header.uid > MAX_OCTAL_ID) records.uid = Buffer.from(String(header.uid))
  if (header.gid > MAX_OCTAL_ID) records.gid = Buffer.from(String(header.gid))
  const { seconds, nanoseconds } = header.mtime
  if (nanoseconds !== 0n || seconds < 0n || seconds > BigInt(MAX_OCTAL_SIZE)) {
    records.mtime = Buffer.from(paxTime(seconds, nanoseconds))
  }
  for (const [name, value] of header.xattrs) records[`SCHILY.xattr.${name}`] = value
  return records
}

/** In the order of their keys. */
function recordList(records: PaxRecords): readonly Buffer[] {
  return Object.entries(records)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => paxRecord(key, value))
}

function paxTime(seconds: bigint, nanoseconds: bigint): string {
  const total = seconds * 1_000_000_000n + nanoseconds
  const absolute = total < 0n ? -total : total
  const fraction = String(absolute % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const whole = `${total < 0n ? '-' : ''}${absolute / 1_000_000_000n}`
  return fraction === '' ? whole : `${whole}.${fraction}`
}

/** The length at the start of a record counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3
  let length = rest + String(rest).length
  length = rest + String(length).length
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.of(0x0a)])
}

/** Other writers mean UTF-8 by bytes above 127: only plain ASCII goes without a record. */
function fits(name: Buffer, length: number): boolean {
  return name.length <= length && name.every((byte) => byte > 0 && byte < 0x80)
}

interface SplitName {
  readonly prefix: Buffer
  readonly name: Buffer
}

const SLASH = 0x2f

/** The name in the two fields of ustar; undefined where it needs a record. */
function splitName(name: Buffer): SplitName | undefined {
  const [, nameLength] = FIELD.name
  const [, prefixLength] = FIELD.prefix
  if (!fits(name, nameLength + 1 + prefixLength)) return undefined
  if (name.length <= nameLength) return { prefix: EMPTY, name }
  // The slash itself is stored in neither; the name after it must not be empty.
  const slash = name.lastIndexOf(SLASH, Math.min(prefixLength, name.length - 2))
  if (slash <= 0 || name.length - slash - 1 > nameLength) return undefined
  return { prefix: name.subarray(0, slash), name: name.subarray(slash + 1) }
}

function ustarHeader(header: TarHeader, typeflag: string): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE)
  const split = splitName(header.name) ?? { prefix: EMPTY, name: header.name.subarray(0, FIELD.name[1]) }
  const { seconds } = header.mtime
  block.set(split.name, FIELD.name[0])
  octal(block, FIELD.mode, header.mode & 0o7777)
  octal(block, FIELD.uid, Math.min(header.uid, MAX_OCTAL_ID))
  octal(block, FIELD.gid, Math.min(header.gid, MAX_OCTAL_ID))
  octal(block, FIELD.size, Math.min(header.size, MAX_OCTAL_SIZE))
  octal(block, FIELD.mtime, seconds < 0n || seconds > BigInt(MAX_OCTAL_SIZE) ? 0 : Number(seconds))
  block.write(typeflag, FIELD.typeflag[0], 'latin1')
  block.set(header.linkName.subarray(0, FIELD.linkName[1]), FIELD.linkName[0])
  block.write('ustar\x0000', FIELD.magic[0], 'latin1')
  octal(block, FIELD.devMajor, header.devMajor)
  octal(block, FIELD.devMinor, header.devMinor)
  block.set(split.prefix, FIELD.prefix[0])
  block.fill(0x20, FIELD.checksum[0], FIELD.checksum[0] + FIELD.checksum[1])
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, FIELD.checksum[0], 'latin1')
  return block
}

/** Padded with zeros, closed by a NUL. */
function octal(block: Buffer, [offset, length]: readonly [number, number], value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1')
}
