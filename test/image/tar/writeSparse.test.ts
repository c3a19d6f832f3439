import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTar } from '../../../src/image/tar/read.ts'
import { createTarWriter } from '../../../src/image/tar/write.ts'
import { headerOf } from './build.ts'
import { bufferSource } from './collect.ts'

const MEBIBYTE = 1024 * 1024
const SIZE = 9 * 1024 ** 3
const EXTENTS = [
  { offset: MEBIBYTE, length: 5 },
  { offset: 8.5 * 1024 ** 3, length: 3 },
]

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'bryo-sparse-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function archiveOf(extents = EXTENTS, size = SIZE, data = 'firstend'): Buffer {
  const parts: Buffer[] = []
  const writer = createTarWriter((part) => parts.push(Buffer.from(part)))
  writer.addSparse({ ...headerOf({ name: 'd/sparse', mode: 0o640 }), size }, extents)
  writer.content(Buffer.from(data))
  writer.add(headerOf({ name: 'after', content: '' }))
  writer.finish()
  return Buffer.concat(parts)
}

describe('addSparse()', () => {
  it('is read back as it was written', () => {
    const [sparse, after] = [...readTar(bufferSource(archiveOf()))]
    expect(sparse).toMatchObject({ name: Buffer.from('d/sparse'), size: SIZE, sparse: EXTENTS })
    expect(after?.name.toString()).toBe('after')
  })

  it('is unpacked by GNU tar with its holes', () => {
    writeFileSync(join(directory, 'a.tar'), archiveOf())
    execFileSync('tar', ['-C', directory, '-xf', join(directory, 'a.tar')])
    const { size, blocks } = statSync(join(directory, 'd/sparse'))
    expect(size).toBe(SIZE)
    expect(blocks * 512).toBeLessThan(MEBIBYTE)
  })

  it('writes files that are all hole, or end with data', () => {
    writeFileSync(join(directory, 'b.tar'), archiveOf([], 4096, ''))
    writeFileSync(join(directory, 'c.tar'), archiveOf([{ offset: 4093, length: 3 }], 4096, 'end'))
    for (const [name, expected] of [
      ['b.tar', Buffer.alloc(4096)],
      ['c.tar', Buffer.concat([Buffer.alloc(4093), Buffer.from('end')])],
    ] as const) {
      execFileSync('tar', ['-C', directory, '-xf', join(directory, name)])
      expect(readFileSync(join(directory, 'd/sparse')).equals(expected)).toBe(true)
    }
  })
})
