import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import { compileTemplate, heading } from '../../src/cli/template/template.ts'
import { dictionaries, dictionary } from '../../src/cli/template/value.ts'

const DATA = {
  Client: { Version: '4.3.1', Os: 'linux', Built: 0 },
  Names: ['a', 'b'],
  Empty: [],
  Nothing: null,
  Labels: dictionary({ team: 'core', 'a.b/c': 'd<e' }),
  Label: (key: string) => `label ${key}`,
  Big: 123456789,
  Ok: true,
}

function render(source: string): string {
  return compileTemplate(source).render(DATA)
}

function failure(source: string): unknown {
  try {
    render(source)
  } catch (error) {
    return error
  }
  throw new Error('was accepted')
}

describe('templates', () => {
  it.each([
    ['{{.Client.Version}}', '4.3.1'],
    ['a{{ .Client.Version }}b', 'a4.3.1b'],
    ['{{json .Client}}', '{"Version":"4.3.1","Os":"linux","Built":0}'],
    ['{{json "<"}}', '"<"'],
    ['{{.Client}}', '{4.3.1 linux 0}'],
    ['{{.Names}} {{.Empty}} {{.Labels}}', '[a b] [] map[a.b/c:d<e team:core]'],
    ['{{.Nothing}}', '<no value>'],
    ['{{.Labels.team}} {{.Labels.none}}', 'core <no value>'],
    ['{{index .Labels "a.b/c"}}|{{index .Labels "none"}}', 'd<e|'],
    ['{{.Label "x"}} {{.Label `y`}}', 'label x label y'],
    ['{{.Big}} {{.Ok}} {{1.5}} {{0x10}} {{-3}} {{1e3}} {{1e21}}', '123456789 true 1.5 16 -3 1000 1e+21'],
    ["{{'a'}}", '97'],
    ['{{"\\t\\x41\\u00e9\\101"}}', '\tAéA'],
    ['{{`raw\\t`}}', 'raw\\t'],
    ['\\t{{.Ok}}\\n', '\ttrue\n'],
    ['x  {{- " y" -}}  z{{/* note */}}', 'x yz'],
    ['a {{- /* note */ -}} b', 'ab'],
    ['{{.Client.Version | upper | printf "%s!"}}', '4.3.1!'],
    [
      '{{printf "%-10s|%5d|%q|%v|%05.2f|%x|%t" .Client.Version 4 "a<b" 0 3.14159 255 true}}',
      '4.3.1     |    4|"a<b"|0|03.14|ff|true',
    ],
    ['{{printf "%d" "x"}} {{printf "%s"}} {{printf "a" 1}}', '%!d(string=x) %!s(MISSING) a%!(EXTRA int=1)'],
    ['{{1.5 | printf "%v %d"}}', '1.5 %!d(MISSING)'],
    ['{{print 1 2 "a" "b" 3}}', '1 2ab3'],
    ['{{println 1 "a"}}', '1 a\n'],
    ['{{print nil}}', '<nil>'],
    ['{{len .Client.Version}} {{len .Names}} {{len .Labels}} {{len .Nothing}}', '5 2 2 0'],
    ['{{slice .Client.Version 0 2}} {{slice .Names 1}}', '4. [b]'],
    ['{{index .Names 1}} {{index (split "a.b" ".") 1}}', 'b b'],
    ['{{join .Names "-"}} {{join .Nothing ","}}', 'a-b '],
    ['{{title "abc def"}} {{lower "AB"}}', 'Abc Def ab'],
    ['{{pad "x" 1 2}}|{{truncate "äbcdef" 3}}', ' x  |äbc'],
    ['{{html "<"}} {{urlquery "a b/"}}', '&lt; a+b%2F'],
    ['{{range .Names}}{{.}};{{end}}', 'a;b;'],
    ['{{range $i, $e := .Names}}{{$i}}={{$e}};{{end}}', '0=a;1=b;'],
    ['{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}', 'a.b/c=d<e;team=core;'],
    ['{{range .Empty}}x{{else}}none{{end}}', 'none'],
    ['{{range .Names}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a'],
    ['{{range .Names}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}', 'b'],
    ['{{range .Names}}{{$.Client.Os}} {{end}}', 'linux linux '],
    ['{{with .Client}}{{.Os}}{{else}}n{{end}}{{with .Nothing}}y{{else}}n{{end}}', 'linuxn'],
    ['{{if .Empty}}a{{else if .Nothing}}b{{else}}c{{end}}', 'c'],
    ['{{$a := 1}}{{if .Ok}}{{$a = 2}}{{end}}{{$a}}', '2'],
    ['{{$a := 1}}{{if .Ok}}{{$a := 2}}{{end}}{{$a}}', '1'],
    [
      '{{eq 1 1 2}} {{eq 1 2 1}} {{ne "a" "b"}} {{lt 1 2}} {{le "b" "a"}} {{gt 2 1}} {{ge 1 1}}',
      'true true true true false true true',
    ],
    ['{{and 1 0}} {{or 0 "x"}} {{not true}} {{"a" | len | eq 1}}', '0 x false true'],
    ['{{or .Ok .Nothing.Nope}} {{and .Empty .Nothing.Nope}}', 'true []'],
    ['{{(index .Names 0 | upper)}} {{(.Client).Os}}', 'A linux'],
    ['{{with $x := .Client}}{{$x.Os}}{{end}}', 'linux'],
    ['{{with .Nothing}}a{{else with .Client}}{{.Os}}{{end}}', 'linux'],
    ['{{range 3}}{{.}}{{end}}', '012'],
    ['{{js "it\'s <b>"}} {{call .Label "x"}}', "it\\'s \\u003Cb\\u003E label x"],
    ['{{define "one"}}<{{.}}>{{end}}{{range .Names}}{{template "one" .}}{{end}}', '<a><b>'],
    ['{{template "late" .Client}}{{define "late"}}{{$.Os}}{{end}}', 'linux'],
    ['{{block "part" .Client}}{{.Os}}{{end}} {{template "part" .Client}}', 'linux linux'],
  ])('%s', (source, text) => {
    expect(render(source)).toBe(text)
  })

  it.each([
    ['{{', 'template: format:1:1: unclosed action'],
    ['x{{.Client', 'template: format:1:2: unclosed action'],
    ['{{range}}{{end}}', 'template: format:1:1: missing value for range'],
    ['{{end}}', 'template: format:1:1: unexpected {{end}}'],
    ['{{if 1}}', 'template: format:1:1: {{if}} without {{end}}'],
    ['{{if 1}}{{else}}{{else}}{{end}}', 'template: format:1:1: {{if}} without {{end}}'],
    ['{{foo 1}}', 'template: format:1:3: function "foo" not defined'],
    ['{{toString}}', 'template: format:1:3: function "toString" not defined'],
    ['{{"abc}}', 'template: format:1:3: unclosed "'],
    ['{{/* x }}', 'template: format:1:1: unclosed comment'],
    ['{{"\\q"}}', 'template: format:1:3: unknown escape \\q'],
    ['{{nil}}', 'template: format:1:3: nil is not a value'],
    ['{{1 | 2}}', 'template: format:1:7: expected a function behind |'],
    ['{{1 2}}', 'template: format:1:3: a literal takes no arguments'],
    ['{{$x}}', 'template: format:1:3: undefined variable "$x"'],
    ['{{$x = 1}}', 'template: format:1:3: undefined variable "$x"'],
    ['{{break}}', 'template: format:1:1: {{break}} outside of {{range}}'],
    ['{{template "x"}}', 'template: format:1:1: template "x" not defined'],
    [
      '{{define "a"}}{{template "a"}}{{end}}{{template "a"}}',
      'template: format:1:15: templates call each other more than 100 deep',
    ],
    ['{{define a}}{{end}}', 'template: format:1:10: expected a quoted name in define clause'],
    ['{{if 1}}{{define "a"}}{{end}}{{end}}', 'template: format:1:9: unexpected {{define}}'],
    ['{{block "a"}}{{end}}', 'template: format:1:1: missing value for block clause'],
    [
      'a\n{{.Nope}}',
      "template: format:2:3: can't evaluate field Nope, expected one of Client, Names, Empty, Nothing, Labels, Label, Big, Ok",
    ],
    ['{{.Client.Version 1}}', 'template: format:1:3: .Client.Version is not a function'],
    ['{{.Client.Version.X}}', "template: format:1:3: can't evaluate field X in type string"],
    ['{{.Nothing.X}}', 'template: format:1:3: nil data; no entry for key "X"'],
    [
      '{{.Client.constructor}}',
      "template: format:1:3: can't evaluate field constructor, expected one of Version, Os, Built",
    ],
    ['{{index .Names 9}}', 'template: format:1:3: index: index out of range: 9 of 2'],
    ['{{lt 1 "a"}}', 'template: format:1:3: lt: cannot compare int with string'],
    ['{{len 3}}', 'template: format:1:3: len: int has no length'],
    ['{{range .Ok}}{{end}}', "template: format:1:9: range can't iterate over true"],
    ['{{and}}', 'template: format:1:3: and needs an argument'],
    ['{{(1}}', 'template: format:1:3: unclosed ('],
    ['{{ - 3}}', 'template: format:1:4: unexpected "-" in action'],
    [
      `{{${'('.repeat(500)}1${')'.repeat(500)}}}`,
      'template: format:1:103: parentheses are nested more than 100 deep',
    ],
    [
      `${'{{if 1}}'.repeat(500)}${'{{end}}'.repeat(500)}`,
      'template: format:1:801: blocks are nested more than 100 deep',
    ],
  ])('refuses %s', (source, message) => {
    expect(failure(source)).toMatchObject({ code: 'USAGE', message })
  })

  it('bounds what a width can make of a short template', () => {
    expect(render('{{printf "%999999999d" 1}}')).toHaveLength(4096)
    expect(render('{{pad "x" 999999999 0}}')).toHaveLength(4097)
  })

  it('ends with a text or a USAGE error, whatever the template', () => {
    const piece = fc.constantFrom(
      ...[
        '{{',
        '}}',
        '{{- ',
        ' -}}',
        '{{if .Ok}}',
        '{{else}}',
        '{{end}}',
        '{{range .Names}}',
        '{{with .Client}}',
      ],
      ...[
        '.',
        '.Names',
        '.Client.Os',
        '$',
        '$x',
        ':=',
        '=',
        ',',
        '|',
        '(',
        ')',
        '"a"',
        '`',
        '"',
        "'",
        '1',
        '-1.5e3',
        'nil',
      ],
      ...[
        'printf',
        'index',
        'slice',
        'join',
        'json',
        'and',
        'or',
        'len',
        ' ',
        '\\t',
        '{{/*',
        '*/}}',
        'break',
        '%',
        '\0',
        '𝒳',
      ],
    )
    const source = fc.array(fc.oneof({ weight: 8, arbitrary: piece }, fc.string()), { maxLength: 30 })
    fc.assert(
      fc.property(source, (pieces) => {
        try {
          expect(typeof render(pieces.join(''))).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(BryoError)
          expect(error).toHaveProperty('code', 'USAGE')
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('gives headings for fields, and for functions what they are applied to', () => {
    const template = compileTemplate(
      '{{.ID}}\t{{json .RepoTags}}\t{{.Config.Env}}\t{{.Label "a"}}\t{{truncate .X 3}}',
    )
    expect(template.renderHeader({ ID: 'IMAGE ID' })).toBe('IMAGE ID\tREPO TAGS\tENV\ta\tX')
    expect(heading('CreatedSince')).toBe('CREATED SINCE')
  })

  it('lets a document leave out what is empty', () => {
    const template = compileTemplate('{{.Config.Env}} {{range .Config.Env}}x{{end}}{{join .Config.Cmd " "}}')
    expect(template.render({ Config: dictionaries({ User: 'x' }) })).toBe('<no value> ')
  })
})
