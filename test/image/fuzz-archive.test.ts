import { mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { openImageArchive } from '../../src/image/archive/open.ts'
import { formatReference } from '../../src/image/reference.ts'
import { parseNumber } from '../../src/image/tar/number.ts'
import { applyPaxRecords, emptyPaxFields, parsePaxRecords, parsePaxTime } from '../../src/image/tar/pax.ts'
import { ownFd } from '../../src/syscall/fd.ts'
import { anyText, attempt, attemptAsync, damaged, FUZZ, mutated, textOf } from '../support/fuzz.ts'
import { indexOf, named, ociEntries, smallImage } from './support/image.ts'
import { tarOf } from './support/tar.ts'

const directory = mkdtempSync(join(tmpdir(), 'bryo-fuzz-'))
afterAll(() => rmSync(directory, { recursive: true }))
const MAX_SPOOL = 1_000_000
const RUNS = { ...FUZZ, numRuns: 150 }

function createSpool() {
  const path = join(directory, 'spool')
  const fd = openSync(path, 'wx+')
  unlinkSync(path)
  return ownFd(fd)
}

/** Reads an archive as `load` does: its images with their documents. */
async function readArchive(bytes: Uint8Array): Promise<void> {
  const path = join(directory, 'archive')
  writeFileSync(path, bytes)
  await attemptAsync(async () => {
    using archive = await openImageArchive(path, { createSpool, maxSpoolBytes: MAX_SPOOL })
    for (const { names } of archive.images)
      for (const name of names) expect(formatReference(name)).toBeTypeOf('string')
  })
}

const image = smallImage()
const index = indexOf(named(image.manifest, 'app:1'))
const item = { Config: 'config.json', RepoTags: ['app:1'], Layers: ['layer.tar'] }
const dockerEntries = (manifest: unknown) => [
  { name: 'manifest.json', content: JSON.stringify(manifest) ?? '' },
  { name: 'config.json', content: image.configBytes },
  { name: 'layer.tar', content: [...image.blobs.values()][2] ?? '' },
]

describe('openImageArchive()', () => {
  it.each([
    ['an OCI archive', tarOf(ociEntries(index, image))],
    ['a Docker archive', tarOf(dockerEntries([item]))],
    ['a compressed archive', gzipSync(tarOf(dockerEntries([item])))],
  ])('takes or refuses %s with bytes changed', async (_what, archive) => {
    await fc.assert(
      fc.asyncProperty(damaged(archive), (bytes) => readArchive(bytes)),
      RUNS,
    )
  })

  it('takes or refuses an index with members changed', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(index), (value) => readArchive(tarOf(ociEntries(value ?? null, image)))),
      RUNS,
    )
  })

  it('takes or refuses a list of images with members changed', async () => {
    await fc.assert(
      fc.asyncProperty(mutated([item]), (value) => readArchive(tarOf(dockerEntries(value)))),
      RUNS,
    )
  })

  it('takes or refuses any bytes', async () => {
    const magic = fc.constantFrom(
      [],
      [0x1f, 0x8b, 8],
      [0x28, 0xb5, 0x2f, 0xfd],
      [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0],
      [0x42, 0x5a, 0x68],
    )
    await fc.assert(
      fc.asyncProperty(magic, fc.uint8Array({ maxLength: 2000 }), (head, bytes) =>
        readArchive(Buffer.concat([Buffer.from(head), bytes])),
      ),
      RUNS,
    )
  })
})

describe('pax records', () => {
  const KEYS = [
    'path',
    'linkpath',
    'size',
    'mtime',
    'uid',
    'gid',
    'SCHILY.xattr.user.a',
    'GNU.sparse.map',
    'GNU.sparse.major',
    'hdrcharset',
  ]
  const record = (key: string, value: Buffer) => {
    const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
    const length = [1, 2, 3, 4, 5]
      .map((digits) => body.length + digits)
      .find((all) => String(all).length + body.length === all)
    return Buffer.concat([Buffer.from(String(length)), body])
  }

  it('are read or refused, whatever they hold', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((data) => Buffer.from(data)),
      textOf(['12 ', '=', '\n', ...KEYS, '0', '-', '99999999999']).map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(bytes, (data) => {
        const records = attempt(() => parsePaxRecords(data))
        if (records) attempt(() => applyPaxRecords(emptyPaxFields(), records))
      }),
      FUZZ,
    )
  })

  it('with fitting lengths are taken or refused, whatever their values', () => {
    const pair = fc.tuple(
      fc.constantFrom(...KEYS),
      fc.oneof(anyText(30), textOf(['0', '1', '.', '-', ',', '9'.repeat(30)], 6)),
    )
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 4 }), (pairs) => {
        const values = pairs.map(([key, value]) => [key, Buffer.from(value.slice(0, 1000))] as const)
        const records = attempt(() =>
          parsePaxRecords(Buffer.concat(values.map(([key, value]) => record(key, value)))),
        )
        if (records) attempt(() => applyPaxRecords(emptyPaxFields(), records))
      }),
      FUZZ,
    )
  })

  it('have times that are exact', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(30), textOf(['1', '-', '.', '9'.repeat(20), 'e'], 6)), (text) => {
        const time = attempt(() => parsePaxTime(text))
        if (time) expect(time.nanoseconds >= 0n && time.nanoseconds < 1_000_000_000n).toBe(true)
      }),
      FUZZ,
    )
  })
})

describe('numbers of a tar header', () => {
  it('are exact, or refused', () => {
    const field = fc.oneof(
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      textOf(['0', '7', '8', ' ', '\0', '-'], 12).map((text) =>
        Buffer.from(text.padEnd(12, '\0').slice(0, 12)),
      ),
    )
    fc.assert(
      fc.property(field, (bytes) => {
        const value = attempt(() => parseNumber(Buffer.from(bytes), 0, 12, 'size'))
        if (value !== undefined) expect(Number.isSafeInteger(value)).toBe(true)
      }),
      FUZZ,
    )
  })

  it('read as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0o77777777777 }), (value) => {
        const text = `${value.toString(8).padStart(11, '0')}\0`
        expect(parseNumber(Buffer.from(text), 0, 12, 'size')).toBe(value)
      }),
      FUZZ,
    )
  })
})
