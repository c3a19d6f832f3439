import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../../src/base/errors.ts'
import type { TarEntryType } from '../../../src/base/tarEntry.ts'
import { type BuiltEntry, buildTar, headerOf } from './build.ts'
import { collect } from './collect.ts'

const nameByte = fc.integer({ min: 1, max: 255 })
const name = fc.oneof(
  fc.string({ minLength: 1, maxLength: 300 }).filter((text) => !text.includes('\0')),
  fc.array(nameByte, { minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(fc.stringMatching(/^[a-z]{1,60}$/), { minLength: 1, maxLength: 8 })
    .map((components) => components.join('/')),
)
const bytes = fc.uint8Array({ maxLength: 1500 }).map((data) => Buffer.from(data))
const type = fc.constantFrom<TarEntryType>(
  'file',
  'hardlink',
  'symlink',
  'character',
  'block',
  'directory',
  'fifo',
)

const entry: fc.Arbitrary<BuiltEntry> = fc
  .record({
    type,
    name,
    linkName: name,
    content: bytes,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 0xfffffffe }),
    gid: fc.integer({ min: 0, max: 0xfffffffe }),
    seconds: fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
    nanoseconds: fc.bigInt({ min: 0n, max: 999_999_999n }),
    devMajor: fc.integer({ min: 0, max: 4095 }),
    devMinor: fc.integer({ min: 0, max: 0o7777777 }),
    xattrs: fc.dictionary(fc.stringMatching(/^user\.[a-z0-9._-]{1,20}$/), bytes, { maxKeys: 4 }),
  })
  .map(({ seconds, nanoseconds, xattrs, ...rest }) => {
    const isLink = rest.type === 'hardlink' || rest.type === 'symlink'
    const isDevice = rest.type === 'character' || rest.type === 'block'
    return {
      ...rest,
      // A file whose name ends with a slash is a directory to every reader.
      name: rest.type === 'file' ? Buffer.concat([Buffer.from(rest.name), Buffer.from('.')]) : rest.name,
      linkName: isLink ? rest.linkName : '',
      content: rest.type === 'file' ? rest.content : '',
      devMajor: isDevice ? rest.devMajor : 0,
      devMinor: isDevice ? rest.devMinor : 0,
      mtime: { seconds, nanoseconds },
      xattrs: new Map(Object.entries(xattrs)),
    }
  })

describe('createTarWriter() and readTar()', () => {
  it('give back every entry as it was', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const read = collect(buildTar(entries))
        const expected = entries.map((built) => {
          const header = headerOf(built)
          return {
            ...header,
            name: header.name.toString('latin1'),
            linkName: header.linkName.toString('latin1'),
            xattrs: Object.fromEntries([...header.xattrs].map(([k, v]) => [k, v.toString('latin1')])),
            sparse: undefined,
            content: Buffer.from(built.content ?? ''),
          }
        })
        expect(read).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })

  it('give the same bytes for the same entries', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 3 }), (e) => buildTar(e).equals(buildTar(e))),
      {
        numRuns: 30,
      },
    )
  })
})

describe('readTar()', () => {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    with: fc.uint8Array({ minLength: 1, maxLength: 16 }),
    kind: fc.constantFrom('replace', 'insert', 'cut', 'repair'),
  })

  it('ends with entries or INVALID_ARCHIVE, whatever is done to an archive', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { minLength: 1, maxLength: 3 }),
        fc.array(change, { maxLength: 4 }),
        (e, changes) => {
          const archive = changes.reduce((data, { at, with: bytes, kind }) => {
            const position = Math.floor(at * data.length)
            if (kind === 'repair') return repairChecksum(data, position, bytes)
            const rest = data.subarray(position + (kind === 'insert' ? 0 : bytes.length))
            return Buffer.concat([data.subarray(0, position), kind === 'cut' ? Buffer.alloc(0) : bytes, rest])
          }, buildTar(e))
          expectEntriesOrError(archive)
        },
      ),
      { numRuns: 400 },
    )
  })

  it('ends with entries or INVALID_ARCHIVE for headers with a right checksum and any fields', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 512, maxLength: 512 }), { maxLength: 6 }),
        flags(),
        (blocks, f) => {
          const headers = blocks.map((block, index) => {
            const header = Buffer.from(block)
            // Numbers with a chance to be some.
            for (const [offset, length] of [
              [100, 8],
              [108, 8],
              [116, 8],
              [136, 12],
            ] as const)
              header.fill(0x30, offset, offset + length)
            header.write(`0000000${(block[0] ?? 0) % 8}00${(block[1] ?? 0) % 8}`, 124)
            header.write(f[index] ?? '0', 156)
            return repairChecksum(header, 0, Buffer.alloc(0))
          })
          expectEntriesOrError(Buffer.concat([...headers, Buffer.alloc(2048)]))
        },
      ),
      { numRuns: 400 },
    )
  })
})

function flags() {
  return fc.array(fc.constantFrom('0', '1', '2', '5', 'x', 'g', 'L', 'K', 'S', 'V', 'D', '\0'), {
    minLength: 6,
  })
}

function expectEntriesOrError(archive: Buffer): void {
  try {
    expect(collect(archive).length).toBeLessThan(1000)
  } catch (error) {
    if (!(error instanceof BryoError)) throw error
    expect(['INVALID_ARCHIVE', 'UNSUPPORTED']).toContain(error.code)
  }
}

/** Puts bytes into the block at a position and makes its checksum right. */
function repairChecksum(data: Buffer, position: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(data)
  const start = position - (position % 512)
  const block = copy.subarray(start, start + 512)
  if (block.length < 512) return copy
  block.set(bytes.subarray(0, 512 - (position % 512)), position % 512)
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return copy
}
