import type { TarTime } from '../../base/tarEntry.ts'
import { invalidArchive } from './error.ts'
import { parseDecimal } from './number.ts'

/** What extended headers say of an entry; later records replace earlier ones. */
export interface PaxFields {
  path?: Buffer
  linkPath?: Buffer
  size?: number
  uid?: number
  gid?: number
  mtime?: TarTime
  readonly xattrs: Map<string, Buffer>
  readonly sparse: PaxSparse
}

/** GNU's records for files with holes, versions 0.0, 0.1 and 1.0. */
export interface PaxSparse {
  major?: number
  minor?: number
  name?: Buffer
  realSize?: number
  /** Offsets and lengths by turns. */
  map?: number[]
}

export function emptyPaxFields(): PaxFields {
  return { xattrs: new Map(), sparse: {} }
}

export interface PaxRecord {
  readonly key: string
  /** A copy: values may be any bytes. */
  readonly value: Buffer
}

const SPACE = 0x20
const EQUALS = 0x3d
const NEWLINE = 0x0a

/**
 * Splits the data of an extended header into its records, `LENGTH KEY=VALUE\n` each.
 * @see pax(1) of POSIX, "pax Extended Header"
 */
export function parsePaxRecords(data: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = []
  let start = 0
  // Some writers pad the data with zeros.
  while (start < data.length && data[start] !== 0) {
    const space = data.indexOf(SPACE, start)
    const digits = space === -1 || space - start > 8 ? '' : data.toString('latin1', start, space)
    const end = /^\d+$/.test(digits) ? start + Number(digits) : -1
    const equals = space === -1 ? -1 : data.indexOf(EQUALS, space + 1)
    if (end > data.length || equals === -1 || equals >= end - 1 || data[end - 1] !== NEWLINE) {
      throw invalidArchive('an extended header is malformed')
    }
    records.push({
      key: data.toString('utf8', space + 1, equals),
      value: Buffer.from(data.subarray(equals + 1, end - 1)),
    })
    start = end
  }
  return records
}

const XATTR_PREFIXES = ['SCHILY.xattr.', 'LIBARCHIVE.xattr.'] as const
const SPARSE_PREFIX = 'GNU.sparse.'

/** Puts records into fields; an empty value takes back what was said before. */
export function applyPaxRecords(fields: PaxFields, records: readonly PaxRecord[]): void {
  for (const record of records) {
    if (record.key.startsWith(SPARSE_PREFIX)) applySparseRecord(fields.sparse, record)
    else if (!applyXattrRecord(fields.xattrs, record)) applyPlainRecord(fields, record)
  }
}

/** Only what can be true of several files is taken from a global header: owner, time and attributes. */
export function applyGlobalRecords(fields: PaxFields, records: readonly PaxRecord[]): void {
  const shared = records.filter(
    ({ key }) =>
      key === 'uid' || key === 'gid' || key === 'mtime' || XATTR_PREFIXES.some((p) => key.startsWith(p)),
  )
  applyPaxRecords(fields, shared)
}

function applyPlainRecord(fields: PaxFields, { key, value }: PaxRecord): void {
  const given = value.length > 0
  switch (key) {
    case 'path':
      assign(fields, 'path', given ? value : undefined)
      break
    case 'linkpath':
      assign(fields, 'linkPath', given ? value : undefined)
      break
    case 'size':
    case 'uid':
    case 'gid':
      assign(fields, key, given ? parseDecimal(value.toString('latin1'), key) : undefined)
      break
    case 'mtime':
      assign(fields, 'mtime', given ? parsePaxTime(value.toString('latin1')) : undefined)
      break
  }
}

function assign<K extends keyof PaxFields>(fields: PaxFields, key: K, value: PaxFields[K] | undefined): void {
  if (value === undefined) delete fields[key]
  else fields[key] = value
}

const MAX_SECONDS = 0x7fffffffffffffffn

/** `-1.5` is half a second before -1: seconds -2 and 500,000,000 ns. Digits beyond nanoseconds are cut. */
export function parsePaxTime(text: string): TarTime {
  const match = /^(-?)(\d{1,19})(?:\.(\d*))?$/.exec(text)
  if (!match) throw invalidArchive('the mtime of an extended header is no number')
  const whole = BigInt(match[2] ?? '0')
  const fraction = BigInt((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  if (whole >= MAX_SECONDS) throw invalidArchive('the mtime of an extended header is out of range')
  if (match[1] !== '-') return { seconds: whole, nanoseconds: fraction }
  if (fraction === 0n) return { seconds: -whole, nanoseconds: 0n }
  return { seconds: -whole - 1n, nanoseconds: 1_000_000_000n - fraction }
}

/** libarchive encodes the name as in URLs and the value in base64; where both forms are there, they agree. */
function applyXattrRecord(xattrs: Map<string, Buffer>, { key, value }: PaxRecord): boolean {
  const prefix = XATTR_PREFIXES.find((p) => key.startsWith(p))
  if (prefix === undefined) return false
  const raw = key.slice(prefix.length)
  if (prefix === 'SCHILY.xattr.') {
    xattrs.set(raw, value)
    return true
  }
  const name = decodePercent(raw)
  if (!xattrs.has(name)) xattrs.set(name, Buffer.from(value.toString('latin1'), 'base64'))
  return true
}

function decodePercent(text: string): string {
  const bytes = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

function applySparseRecord(sparse: PaxSparse, { key, value }: PaxRecord): void {
  const text = value.toString('latin1')
  const numeric = () => parseDecimal(text, key)
  switch (key.slice(SPARSE_PREFIX.length)) {
    case 'major':
      sparse.major = numeric()
      return
    case 'minor':
      sparse.minor = numeric()
      return
    case 'name':
      sparse.name = value
      return
    case 'size':
    case 'realsize':
      sparse.realSize = numeric()
      return
    case 'map':
      sparse.map = text === '' ? [] : text.split(',').map((item) => parseDecimal(item, key))
      return
    case 'offset':
    case 'numbytes':
      sparse.map ??= []
      sparse.map.push(numeric())
      return
  }
}
