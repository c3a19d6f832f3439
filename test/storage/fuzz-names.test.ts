import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childOf, cleanName, parentOf, quotePath } from '../../src/storage/apply/layerPath.ts'
import { classifyName } from '../../src/storage/apply/whiteout.ts'
import { isContainerName } from '../../src/storage/container/names.ts'
import { isContainerId } from '../../src/storage/container/record.ts'
import { anyText, attempt, FUZZ, textOf } from '../support/fuzz.ts'

const PIECES = [
  '/',
  '//',
  '.',
  '..',
  'a',
  '.wh.',
  '.wh..wh.',
  '.wh..wh..opq',
  '.wh...',
  '\0',
  '\n',
  'é',
  '\\',
]
const names = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  textOf(PIECES).map((text) => Buffer.from(text)),
  anyText().map((text) => Buffer.from(text)),
)

function expectInside(path: Buffer): void {
  const text = path.toString('latin1')
  expect(text).not.toMatch(/^\/|\/$|\/\/|\0/)
  expect(text.split('/').filter((part) => part === '.' || part === '..')).toEqual([])
}

describe('cleanName()', () => {
  it('gives a place below the root, or refuses', () => {
    fc.assert(
      fc.property(names, (raw) => {
        const path = attempt(() => cleanName(raw))
        if (!path) return
        expectInside(path)
        // It says the same when it is read once more, and when it is put together from its parts.
        if (path.length > 0) expect(cleanName(path).equals(path)).toBe(true)
        if (path.length > 0)
          expect(
            childOf(
              parentOf(path),
              path.subarray(parentOf(path).length).filter((byte, at) => at > 0 || byte !== 0x2f),
            ).equals(path),
          ).toBe(true)
        expect(quotePath(path)).not.toMatch(/[\0-\x1f]/)
      }),
      FUZZ,
    )
  })

  it('takes clean names as they are', () => {
    const part = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,10}$/)
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const name = parts.join('/')
        for (const spelling of [name, `/${name}`, `./${name}/`, `//${name}//`])
          expect(cleanName(Buffer.from(spelling)).toString()).toBe(name)
      }),
      FUZZ,
    )
  })
})

describe('classifyName()', () => {
  it('says what a name hides, which is never the root, nor anything outside', () => {
    fc.assert(
      fc.property(names, (raw) => {
        const named = attempt(() => classifyName(cleanName(raw)))
        if (!named || named.kind === 'metadata') return
        expectInside(named.path)
        if (named.kind === 'whiteout') expect(named.path.length).toBeGreaterThan(0)
      }),
      FUZZ,
    )
  })
})

describe('names of containers', () => {
  it('that are taken are no paths', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(60), textOf(['a', '.', '-', '_', '/', '..', '\n', ' '], 8)), (name) => {
        if (isContainerName(name)) expect(name).toMatch(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)
        if (isContainerId(name)) expect(name).toMatch(/^[0-9a-f]{64}$/)
      }),
      FUZZ,
    )
  })
})
