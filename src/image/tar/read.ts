import { BryoError } from '../../base/errors.ts'
import type { TarEntry, TarEntryType } from '../../base/tarEntry.ts'
import { openBody } from './content.ts'
import { invalidArchive, quoteName } from './error.ts'
import { isZeroBlock, parseHeader, type RawHeader } from './header.ts'
import { BLOCK_SIZE, createTarInput, type TarInput, type TarSource } from './input.ts'
import {
  applyGlobalRecords,
  applyPaxRecords,
  emptyPaxFields,
  type PaxFields,
  parsePaxRecords,
} from './pax.ts'
import { readOldGnuSparse, readPaxSparse } from './sparse.ts'

export interface ReadTarOptions {
  /**
   * `optional` takes an archive without the zero block at its end, which some writers leave out: for data whose
   * completeness a digest proves. By default such an archive counts as truncated.
   */
  readonly endMarker?: 'required' | 'optional'
  /** Bytes of the one buffer. */
  readonly bufferSize?: number
}

/** Bytes that extended headers may take: of one entry, and of all global headers together. */
const MAX_METADATA = 1024 * 1024
/** PATH_MAX: no longer name can be created. */
const MAX_NAME = 4096
/** The highest id; the one after it means "no id" to the kernel. */
const MAX_ID = 0xfffffffe

/**
 * Reads an archive once, in constant memory. An entry's content is valid until the next entry is asked for; what
 * was not read of it is skipped. Formats: v7, ustar, pax, GNU (long names, sparse files of all versions), star's prefix.
 * @throws BryoError INVALID_ARCHIVE for damage, UNSUPPORTED for multi-volume archives
 */
export function* readTar(
  source: TarSource,
  options: ReadTarOptions = {},
): Generator<TarEntry, void, undefined> {
  const input = createTarInput(source, options.bufferSize)
  for (const { entry } of readMembers(input, options)) yield entry
}

/** An entry and the place of its data in the archive. */
export interface TarMember {
  readonly entry: TarEntry
  readonly dataOffset: number
}

export function* readMembers(
  input: TarInput,
  options: ReadTarOptions,
): Generator<TarMember, void, undefined> {
  const globals: Globals = { fields: emptyPaxFields(), left: MAX_METADATA }
  for (;;) {
    const described = readDescribedHeader(input, globals, options)
    if (!described) return
    const type = typeOf(described)
    if (type === 'label') {
      input.skip(padded(sizeOf(described)))
      continue
    }
    const { entry, finish } = openEntry(input, described, type)
    yield { entry, dataOffset: input.position() }
    finish()
  }
}

interface Globals {
  readonly fields: PaxFields
  /** Bytes of metadata that may still come. */
  left: number
}

interface DescribedHeader {
  readonly header: RawHeader
  /** The block of the header, valid until the input moves on. */
  readonly block: Buffer
  readonly fields: PaxFields
  readonly name: Buffer
  readonly linkName: Buffer
}

/** Reads the headers that describe the next one, and that one; undefined at the end of the archive. */
function readDescribedHeader(
  input: TarInput,
  globals: Globals,
  options: ReadTarOptions,
): DescribedHeader | undefined {
  const fields = emptyPaxFields()
  let gnuName: Buffer | undefined
  let gnuLinkName: Buffer | undefined
  let left = MAX_METADATA
  for (;;) {
    const block = input.block()
    if (!block || isZeroBlock(block)) {
      if (left < MAX_METADATA) throw invalidArchive('it ends after an extended header')
      if (!block && options.endMarker !== 'optional')
        throw invalidArchive('it is truncated: its end is missing')
      return undefined
    }
    const header = parseHeader(block)
    if (header.typeflag === 'g') {
      applyGlobalRecords(globals.fields, parsePaxRecords(readMetadata(input, header.size, globals.left)))
      globals.left -= header.size
      continue
    }
    if (!DESCRIBES_NEXT.has(header.typeflag)) {
      const name = fields.sparse.name ?? fields.path ?? gnuName ?? header.name
      const linkName = fields.linkPath ?? gnuLinkName ?? header.linkName
      return { header, block, fields: merged(globals.fields, fields), name, linkName }
    }
    const data = readMetadata(input, header.size, left)
    left -= header.size
    if (header.typeflag === 'L') gnuName = untilNul(data)
    else if (header.typeflag === 'K') gnuLinkName = untilNul(data)
    else applyPaxRecords(fields, parsePaxRecords(data))
  }
}

/** Solaris writes X for x; L and K are GNU's long name and long link. */
const DESCRIBES_NEXT: ReadonlySet<string> = new Set(['x', 'X', 'L', 'K'])

function merged(globals: PaxFields, fields: PaxFields): PaxFields {
  const xattrs = globals.xattrs.size === 0 ? fields.xattrs : new Map([...globals.xattrs, ...fields.xattrs])
  return { ...globals, ...fields, xattrs }
}

/** The data of an extended header; the buffer is a copy. */
function readMetadata(input: TarInput, size: number, limit: number): Buffer {
  if (size < 0 || size > limit) {
    throw invalidArchive(`an extended header has ${size} bytes, expected at most ${limit}`)
  }
  const data = Buffer.allocUnsafe(size)
  let filled = 0
  while (filled < size) {
    const part = input.peek(size - filled)
    data.set(part, filled)
    filled += part.length
    input.consume(part.length)
  }
  input.skip(padded(size) - size)
  return data
}

function untilNul(data: Buffer): Buffer {
  const nul = data.indexOf(0)
  return nul === -1 ? data : data.subarray(0, nul)
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE
}

const SLASH = 0x2f

/** `label` for GNU's volume names, which are no entries. */
function typeOf({ header, name }: DescribedHeader): TarEntryType | 'label' {
  switch (header.typeflag) {
    case '0':
    case '\0':
    case '7':
      // Before POSIX there was no type for directories.
      return name.at(-1) === SLASH ? 'directory' : 'file'
    case 'S':
      return 'file'
    case '1':
      return 'hardlink'
    case '2':
      return 'symlink'
    case '3':
      return 'character'
    case '4':
      return 'block'
    case '5':
    case 'D':
      return 'directory'
    case '6':
      return 'fifo'
    case 'V':
      return 'label'
    case 'M':
    case 'N':
      throw new BryoError(
        'UNSUPPORTED',
        `cannot read tar archive: ${quoteName(name)} is part of a multi-volume archive`,
      )
    default:
      throw invalidArchive(`${quoteName(name)} has the unknown type ${JSON.stringify(header.typeflag)}`)
  }
}

/** Bytes of data after the header; other types than these have none, whatever their size field says. */
function sizeOf({ header, fields }: DescribedHeader): number {
  const size = '0\x007SDV'.includes(header.typeflag) ? (fields.size ?? header.size) : 0
  if (size < 0) throw invalidArchive('the size of a header is out of range')
  return size
}

function openEntry(input: TarInput, described: DescribedHeader, type: TarEntryType) {
  const { header, block, fields, name, linkName } = described
  if (name.length > MAX_NAME || linkName.length > MAX_NAME) {
    throw invalidArchive(`the name ${quoteName(name)} or its link has more than ${MAX_NAME} bytes`)
  }
  const total = sizeOf(described)
  const sparse =
    header.typeflag === 'S'
      ? readOldGnuSparse(input, block, total)
      : type === 'file'
        ? readPaxSparse(input, fields.sparse, total)
        : undefined
  const stored = sparse?.stored ?? total
  const size = type === 'file' ? (sparse?.size ?? total) : 0
  const body = openBody(input, { size, stored, padding: padded(stored) - stored, extents: sparse?.extents })
  const entry: TarEntry = {
    name,
    type,
    mode: header.mode,
    uid: checkedId(fields.uid ?? header.uid, name),
    gid: checkedId(fields.gid ?? header.gid, name),
    size,
    mtime: fields.mtime ?? { seconds: BigInt(header.mtime), nanoseconds: 0n },
    linkName: type === 'hardlink' || type === 'symlink' ? linkName : EMPTY,
    devMajor: header.devMajor,
    devMinor: header.devMinor,
    xattrs: fields.xattrs,
    sparse: sparse?.extents,
    content: body.content,
  }
  return { entry, finish: body.finish }
}

const EMPTY = Buffer.alloc(0)

function checkedId(id: number, name: Buffer): number {
  if (id < 0 || id > MAX_ID)
    throw invalidArchive(`${quoteName(name)} has the owner ${id}, expected 0 to ${MAX_ID}`)
  return id
}
