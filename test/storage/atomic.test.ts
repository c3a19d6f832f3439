import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeFileAtomic, writeJsonAtomic } from '../../src/storage/atomic.ts'
import { temporaryDirectory } from './support/store.ts'

describe('writeFileAtomic()', () => {
  it.each([true, false])('replaces the file and leaves no other (durable %s)', (durable) => {
    const directory = temporaryDirectory()
    const path = join(directory, 'file')
    writeFileAtomic(path, 'old', { durable })
    writeFileAtomic(path, Buffer.from('new'), { durable, mode: 0o640 })
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(readdirSync(directory)).toEqual(['file'])
  })

  it('keeps the directory clean where the target cannot be replaced', () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'target', 'full'), { recursive: true })
    expect(() => writeJsonAtomic(join(directory, 'target'), {}, { durable: false })).toThrow()
    expect(readdirSync(directory)).toEqual(['target'])
  })
})
