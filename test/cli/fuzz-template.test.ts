import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseFilters } from '../../src/cli/filter.ts'
import { compileTemplate } from '../../src/cli/template/template.ts'
import { anyText, attempt, FUZZ, textOf } from '../support/fuzz.ts'

const PIECES = [
  ...[
    '{{',
    '}}',
    '{{-',
    '-}}',
    '{{/*',
    '*/}}',
    '.',
    '.Name',
    '.List',
    '.Map.key',
    '$',
    '$x',
    ':=',
    '=',
    '|',
    '(',
    ')',
  ],
  ...[' ', '"text"', '`raw`', "'c'", '1', '-5', '1e3', '0x1f', 'true', 'nil', '\\n', '\\t'],
  ...['if', 'else', 'end', 'range', 'with', 'break', 'continue', 'define', 'template', 'block', 'else if'],
  ...[
    'json',
    'index',
    'slice',
    'len',
    'eq',
    'ne',
    'lt',
    'and',
    'or',
    'not',
    'printf',
    '"%s %d %v %q"',
    'join',
    'split',
  ],
  ...[
    'lower',
    'upper',
    'title',
    'table',
    'call',
    'js',
    'html',
    'urlquery',
    'print',
    'println',
    'pad',
    'truncate',
  ],
]
const DATA = {
  Name: 'web',
  List: ['a', 'b', 3, null, { Name: 'x' }],
  Map: { key: 'value', __proto__: null },
  Number: 5,
  Call: (text: string) => `called ${text}`,
}

describe('compileTemplate()', () => {
  it('takes or refuses any template, and renders or refuses what it takes', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), textOf(PIECES, 40)), (source) => {
        const template = attempt(() => compileTemplate(source))
        if (!template) return
        const text = attempt(() => template.render(DATA))
        expect(text === undefined || typeof text === 'string').toBe(true)
        attempt(() => template.renderHeader({ Name: 'NAMES' }))
      }),
      FUZZ,
    )
  })

  it('gives text outside of actions back as it is', () => {
    const plain = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('{{'))
    fc.assert(
      fc.property(plain, plain, (before, after) => {
        const source = `${before}{{.Name}}${after}`
        // A brace before an action belongs to it.
        if (before.endsWith('{')) return
        expect(compileTemplate(source).render(DATA)).toBe(`${before}web${after}`)
      }),
      FUZZ,
    )
  })

  it('reaches no members that are not of the data', () => {
    const names = [
      'constructor',
      '__proto__',
      'prototype',
      'toString',
      'valueOf',
      'hasOwnProperty',
      'call',
      'apply',
    ]
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.constantFrom('', '.Map', '.List', '.Name', '.Number', '.Call'),
        (name, of) => {
          for (const source of [`{{${of}.${name}}}`, `{{index ${of === '' ? '.' : of} "${name}"}}`]) {
            const text = attempt(() => compileTemplate(source).render(DATA))
            expect(text ?? '').not.toMatch(/function|native code|object Object/)
          }
        },
      ),
      FUZZ,
    )
  })

  it('does not run for ever, nor make more than memory has', () => {
    const bombs = [
      `${'{{if true}}'.repeat(3000)}${'{{end}}'.repeat(3000)}`,
      `{{${'('.repeat(5000)}1${')'.repeat(5000)}}}`,
      '{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}',
      '{{define "a"}}{{template "a" .}}{{template "a" .}}{{end}}{{template "a" .}}',
      '{{printf "%999999999s" .Name}}',
      '{{printf "%.999999999f" 1.0}}',
      '{{printf "%*d" 999999999 1}}',
      '{{pad .Name 999999999 999999999}}',
      `{{.Name | ${'printf "%s%s" .Name | '.repeat(2000)}print}}`,
    ]
    for (const source of bombs) {
      const text = attempt(() => compileTemplate(source).render(DATA))
      expect((text ?? '').length).toBeLessThan(10_000_000)
    }
  })
})

describe('parseFilters()', () => {
  it('takes or refuses any filter', () => {
    const filter = fc.oneof(
      anyText(50),
      textOf(['name', 'label', '=', '!=', 'status', 'a', 'toString', '__proto__'], 6),
    )
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 4 }), (given) => {
        const filters = attempt(() => parseFilters(given, ['name', 'label', 'status']))
        for (const key of filters?.keys() ?? []) expect(['name', 'label', 'status']).toContain(key)
      }),
      FUZZ,
    )
  })
})
