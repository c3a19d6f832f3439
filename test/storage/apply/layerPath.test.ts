import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { baseNameOf, childOf, cleanName, parentOf } from '../../../src/storage/apply/layerPath.ts'

describe('cleanName()', () => {
  it.each([
    ['a', 'a'],
    ['a/b', 'a/b'],
    ['/a/b', 'a/b'],
    ['///a', 'a'],
    ['./a', 'a'],
    ['././a/./b/.', 'a/b'],
    ['a//b/', 'a/b'],
    ['.', ''],
    ['./', ''],
    ['/', ''],
    ['...', '...'],
    ['.../..a/b..', '.../..a/b..'],
    ['.hidden/.wh', '.hidden/.wh'],
    ['a\\..\\b', 'a\\..\\b'],
    [' ', ' '],
  ])('makes "%s" to "%s"', (raw, clean) => {
    expect(cleanName(Buffer.from(raw)).toString()).toBe(clean)
  })

  it.each([
    '..',
    '../a',
    '/..',
    '/../a',
    'a/..',
    'a/../b',
    'a/../../b',
    './..',
    './../a',
    '..//a',
    'a/b/../',
    '//../..',
    '',
    'a\0b',
    '\0',
    '../a\0',
  ])('refuses %j', (raw) => {
    expect(() => cleanName(Buffer.from(raw))).toThrow(expect.objectContaining({ code: 'INVALID_ARCHIVE' }))
  })

  it('keeps bytes that are no UTF-8', () => {
    const raw = Buffer.from([0x2f, 0xff, 0x2f, 0xfe])
    expect([...cleanName(raw)]).toEqual([0xff, 0x2f, 0xfe])
  })

  it('gives a path below the root, or refuses, for any name', () => {
    const piece = fc.constantFrom('.', '..', '/', '//', 'a', '\0', '.wh.', '…', '..a')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        let clean: Buffer
        try {
          clean = cleanName(Buffer.from(pieces.join('')))
        } catch {
          return
        }
        const components = clean.length === 0 ? [] : clean.toString().split('/')
        for (const component of components) expect(['', '.', '..']).not.toContain(component)
        expect(clean.includes(0)).toBe(false)
        expect(cleanName(Buffer.concat([Buffer.from('/'), clean])).equals(clean)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

it('parentOf(), baseNameOf() and childOf() belong together', () => {
  for (const path of ['a', 'a/b', 'a/b/c']) {
    const bytes = Buffer.from(path)
    expect(childOf(parentOf(bytes), baseNameOf(bytes)).toString()).toBe(path)
  }
  expect(parentOf(Buffer.from('a'))).toHaveLength(0)
})
