import { templateError } from './error.ts'

export type Token =
  | { readonly kind: 'text'; readonly at: number; readonly text: string }
  | { readonly kind: 'open' | 'close'; readonly at: number }
  /** `.Name`: `joined` where no space is before it, so that it belongs to the operand on its left. */
  | { readonly kind: 'field'; readonly at: number; readonly name: string; readonly joined: boolean }
  | { readonly kind: 'variable' | 'word'; readonly at: number; readonly name: string }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'mark'; readonly at: number; readonly mark: Mark }

/** A dot alone, and the punctuation of an action. */
export type Mark = '.' | '|' | '(' | ')' | ',' | '=' | ':='

const TOKENS =
  /(?<space>[ \t\r\n]+)|(?<field>\.[\p{L}_][\p{L}\p{N}_]*)|(?<number>[+-]?(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))|(?<variable>\$[\p{L}\p{N}_]*)|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<string>"(?:[^"\\\n]|\\[^\n])*")|(?<raw>`[^`]*`)|(?<char>'(?:[^'\\\n]|\\[^\n])+')|(?<mark>:=|[.|(),=])/uy

/**
 * Splits a Go template into tokens; comments are dropped and `{{- -}}` trims are applied. In the text outside of
 * actions, `\t` and `\n` as written in a shell's single quotes become a tab and a line break.
 * @see https://pkg.go.dev/text/template
 */
export function lex(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let trimNext = false
  while (at < source.length) {
    const open = source.indexOf('{{', at)
    const end = open === -1 ? source.length : open
    const action = open === -1 ? undefined : openAction(source, open)
    let text = source.slice(at, end).replace(/\\t/g, '\t').replace(/\\n/g, '\n')
    if (trimNext) text = text.trimStart()
    if (action?.trimBefore) text = text.trimEnd()
    if (text !== '') tokens.push({ kind: 'text', at, text })
    if (!action) break
    const close = action.comment
      ? closeComment(source, open, action.start)
      : lexAction(source, open, action.start, tokens)
    at = close.end
    trimNext = close.trimAfter
  }
  return tokens
}

interface Open {
  readonly start: number
  readonly trimBefore: boolean
  readonly comment: boolean
}

function openAction(source: string, open: number): Open {
  const trimBefore = /^-\s/.test(source.slice(open + 2, open + 4))
  const start = open + (trimBefore ? 3 : 2)
  const comment = source.startsWith('/*', trimBefore ? start + 1 : start)
  return { start, trimBefore, comment }
}

interface Close {
  readonly end: number
  readonly trimAfter: boolean
}

function closeComment(source: string, open: number, start: number): Close {
  const stop = source.indexOf('*/', start)
  if (stop === -1) throw templateError(open, 'unclosed comment')
  const trimAfter = /^\s-}}/.test(source.slice(stop + 2, stop + 6))
  const end = stop + 2 + (trimAfter ? 2 : 0)
  if (!source.startsWith('}}', end)) throw templateError(open, 'a comment must end its action, expected */}}')
  return { end: end + 2, trimAfter }
}

function lexAction(source: string, open: number, start: number, tokens: Token[]): Close {
  tokens.push({ kind: 'open', at: open })
  let at = start
  let spaced = true
  for (;;) {
    if (at >= source.length) throw templateError(open, 'unclosed action')
    const trimAfter = spaced && source.startsWith('-}}', at)
    if (trimAfter || source.startsWith('}}', at)) {
      tokens.push({ kind: 'close', at })
      return { end: at + (trimAfter ? 3 : 2), trimAfter }
    }
    TOKENS.lastIndex = at
    const match = TOKENS.exec(source)
    if (!match) throw unexpected(source, at)
    spaced = match.groups?.space !== undefined
    const token = toToken(match, at, tokens.at(-1), source)
    if (token) tokens.push(token)
    at = TOKENS.lastIndex
  }
}

function unexpected(source: string, at: number): Error {
  const char = String.fromCodePoint(source.codePointAt(at) ?? 0)
  if (char === '"' || char === '`' || char === "'") return templateError(at, `unclosed ${char}`)
  return templateError(at, `unexpected ${JSON.stringify(char)} in action`)
}

function toToken(
  match: RegExpExecArray,
  at: number,
  before: Token | undefined,
  source: string,
): Token | undefined {
  const groups = match.groups ?? {}
  const text = match[0]
  if (groups.space !== undefined) return undefined
  if (groups.field !== undefined) {
    const joined = /[\p{L}\p{N}_$).]/u.test(source[at - 1] ?? '') && before?.kind !== 'open'
    return { kind: 'field', at, name: text.slice(1), joined }
  }
  if (groups.variable !== undefined) return { kind: 'variable', at, name: text }
  if (groups.word !== undefined) return { kind: 'word', at, name: text }
  if (groups.number !== undefined) return { kind: 'number', at, value: Number(text.replace('+', '')) }
  if (groups.string !== undefined) return { kind: 'string', at, value: unquote(text, at) }
  if (groups.raw !== undefined) return { kind: 'string', at, value: text.slice(1, -1) }
  if (groups.char !== undefined) return { kind: 'number', at, value: charCode(text, at) }
  return { kind: 'mark', at, mark: toMark(text) }
}

function toMark(text: string): Mark {
  switch (text) {
    case '.':
    case '|':
    case '(':
    case ')':
    case ',':
    case '=':
    case ':=':
      return text
    default:
      throw new Error(`not a mark: ${text}`)
  }
}

function charCode(text: string, at: number): number {
  const chars = [...unquote(text, at)]
  const only = chars[0]
  if (only === undefined || chars.length !== 1) throw templateError(at, `${text} is not one character`)
  return only.codePointAt(0) ?? 0
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

function unquote(quoted: string, at: number): string {
  return quoted.slice(1, -1).replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|[0-7]{3}|.)/gs, (_, code: string) => {
    if (/^[xu]./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]{3}$/.test(code)) return String.fromCharCode(Number.parseInt(code, 8))
    const char = ESCAPES[code]
    if (char === undefined) throw templateError(at, `unknown escape \\${code}`)
    return char
  })
}
