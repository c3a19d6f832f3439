import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPlatform, parsePlatform } from '../../src/image/platform.ts'
import {
  familiarName,
  formatReference,
  isReference,
  localCandidates,
  parseReference,
} from '../../src/image/reference.ts'
import { anyText, attempt, FUZZ, textOf } from '../support/fuzz.ts'

const PIECES = [
  'docker.io',
  'localhost',
  'a',
  'B',
  '/',
  ':',
  '@',
  '.',
  '-',
  '_',
  '__',
  '5000',
  '[::1]',
  'latest',
]
const DIGEST = `sha256:${'a'.repeat(64)}`
const references = fc.oneof(anyText(), textOf([...PIECES, DIGEST, 'sha256:', 'sha512:', '127.0.0.1', '..']))

describe('parseReference()', () => {
  it('takes or refuses any text, and what it takes reads the same when it is written', () => {
    fc.assert(
      fc.property(references, (text) => {
        const reference = attempt(() => parseReference(text))
        expect(isReference(text)).toBe(reference !== undefined)
        if (!reference) return
        expect(parseReference(formatReference(reference))).toEqual(reference)
        expect(parseReference(familiarName(reference))).toEqual(reference)
        expect(reference.path).not.toMatch(/(?:^|\/)\.\.?(?:\/|$)|^\/|\\|\0/)
        expect(reference.domain).not.toMatch(/[/@\s\0]/)
      }),
      FUZZ,
    )
  })

  it('leaves local names to what they could mean', () => {
    fc.assert(
      fc.property(references, (text) => {
        for (const candidate of attempt(() => localCandidates(text)) ?? [])
          expect(parseReference(formatReference(candidate))).toEqual(candidate)
      }),
      FUZZ,
    )
  })
})

describe('parsePlatform()', () => {
  it('takes or refuses any text, and what it takes reads the same when it is written', () => {
    const platforms = fc.oneof(anyText(50), textOf(['linux', 'arm64', 'amd64', '/', 'v8', 'x86_64'], 6))
    fc.assert(
      fc.property(platforms, (text) => {
        const platform = attempt(() => parsePlatform(text))
        if (platform) expect(parsePlatform(formatPlatform(platform))).toEqual(platform)
      }),
      FUZZ,
    )
  })
})
