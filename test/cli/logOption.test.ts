import { describe, expect, it } from 'vitest'
import { parseLogOption } from '../../src/cli/parse/logOption.ts'

describe('parseLogOption()', () => {
  it.each([
    ['max-size=10m', 'max-size=10000000'],
    ['max-size=10MB', 'max-size=10000000'],
    ['max-size=1.5k', 'max-size=1500'],
    ['max-size=512', 'max-size=512'],
    ['max-size=-1', 'max-size=-1'],
    ['max-file=3', 'max-file=3'],
    ['path=a/b.log', 'path=/home/ana/a/b.log'],
    ['path=/b.log', 'path=/b.log'],
    ['tag={{.Name}}=x', 'tag={{.Name}}=x'],
  ])('reads %s', (text, expected) => {
    expect(parseLogOption(text, '/home/ana')).toBe(expected)
  })

  it.each([
    '',
    'path',
    'path=',
    'foo=bar',
    'max-size=zz',
    'max-size=0',
    'max-size=-2',
    'max-file=0',
    'max-file=x',
  ])('refuses "%s"', (text) => {
    expect(() => parseLogOption(text, '/')).toThrow(/expected/)
  })
})
