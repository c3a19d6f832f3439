import type { Call, Node, Operand, ParsedTemplate, Pipeline } from './ast.ts'
import { templateError } from './error.ts'
import { lex, type Mark, type Token } from './lexer.ts'

const MAX_DEPTH = 100

/**
 * Reads a Go template: fields, pipelines, variables, if, with, range, else, break, continue, define, template and block.
 * @param isFunction whether there is a function with this name
 * @throws TemplateError that says where
 */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): ParsedTemplate {
  const definitions = new Map<string, readonly Node[]>()
  const cursor: Cursor = {
    tokens: lex(source),
    at: 0,
    end: source.length,
    depth: 0,
    loops: 0,
    definitions,
    isFunction,
  }
  const { nodes, stop } = parseNodes(cursor)
  if (stop) throw templateError(stop.at, `unexpected {{${stop.word}}}`)
  return { nodes, definitions }
}

interface Cursor {
  readonly tokens: readonly Token[]
  at: number
  readonly end: number
  depth: number
  loops: number
  readonly definitions: Map<string, readonly Node[]>
  readonly isFunction: (name: string) => boolean
}

/** The word that ended a list of nodes; its tokens are consumed up to the word itself. */
interface Stop {
  readonly word: 'else' | 'end'
  readonly at: number
}

function parseNodes(cursor: Cursor): { readonly nodes: readonly Node[]; readonly stop: Stop | undefined } {
  const nodes: Node[] = []
  for (;;) {
    const token = cursor.tokens[cursor.at]
    if (!token) return { nodes, stop: undefined }
    cursor.at += 1
    if (token.kind === 'text') {
      nodes.push({ kind: 'text', text: token.text })
      continue
    }
    const word = cursor.tokens[cursor.at]
    if (word?.kind === 'word' && (word.name === 'else' || word.name === 'end')) {
      cursor.at += 1
      return { nodes, stop: { word: word.name, at: token.at } }
    }
    if (word?.kind === 'word' && word.name === 'define') parseDefinition(cursor, token.at)
    else nodes.push(parseAction(cursor, token.at))
  }
}

function parseAction(cursor: Cursor, at: number): Node {
  const token = cursor.tokens[cursor.at]
  const word = token?.kind === 'word' ? token.name : ''
  if (word === 'if' || word === 'with' || word === 'range') {
    cursor.at += 1
    return parseBlock(cursor, word, at)
  }
  if (word === 'break' || word === 'continue') {
    cursor.at += 1
    if (cursor.loops === 0) throw templateError(at, `{{${word}}} outside of {{range}}`)
    expectClose(cursor)
    return { kind: word }
  }
  if (word === 'template' || word === 'block') {
    cursor.at += 1
    return parseTemplateAction(cursor, word, at)
  }
  const pipeline = parsePipeline(cursor, 1)
  expectClose(cursor)
  return { kind: 'output', pipeline }
}

/** `{{define "name"}} ... {{end}}`, at the top only. */
function parseDefinition(cursor: Cursor, at: number): void {
  if (cursor.depth > 0) throw templateError(at, 'unexpected {{define}}')
  cursor.at += 1
  const name = takeTemplateName(cursor, 'define')
  expectClose(cursor)
  cursor.definitions.set(name, parseBody(cursor, 'define', at))
}

/** The nodes up to `{{end}}`. */
function parseBody(cursor: Cursor, kind: 'define' | 'block', at: number): readonly Node[] {
  if (++cursor.depth > MAX_DEPTH) throw templateError(at, `blocks are nested more than ${MAX_DEPTH} deep`)
  const { loops } = cursor
  cursor.loops = 0
  const { nodes, stop } = parseNodes(cursor)
  cursor.loops = loops
  cursor.depth -= 1
  if (stop?.word !== 'end') throw templateError(at, `{{${kind}}} without {{end}}`)
  expectClose(cursor)
  return nodes
}

function parseTemplateAction(cursor: Cursor, kind: 'template' | 'block', at: number): Node {
  const name = takeTemplateName(cursor, kind)
  const closes = cursor.tokens[cursor.at]?.kind === 'close'
  if (closes && kind === 'block') throw templateError(at, 'missing value for block clause')
  const pipeline = closes ? undefined : parsePipeline(cursor, 1)
  expectClose(cursor)
  if (kind === 'block') cursor.definitions.set(name, parseBody(cursor, kind, at))
  return { kind: 'template', at, name, pipeline }
}

function takeTemplateName(cursor: Cursor, kind: string): string {
  const token = cursor.tokens[cursor.at++]
  if (token?.kind === 'string') return token.value
  throw templateError(token?.at ?? cursor.end, `expected a quoted name in ${kind} clause`)
}

function parseBlock(cursor: Cursor, kind: 'if' | 'with' | 'range', at: number): Node {
  if (++cursor.depth > MAX_DEPTH) throw templateError(at, `blocks are nested more than ${MAX_DEPTH} deep`)
  const loop = kind === 'range' ? 1 : 0
  if (cursor.tokens[cursor.at]?.kind === 'close') throw templateError(at, `missing value for ${kind}`)
  const pipeline = parsePipeline(cursor, kind === 'range' ? 2 : 1)
  expectClose(cursor)
  cursor.loops += loop
  const body = parseNodes(cursor)
  cursor.loops -= loop
  const otherwise = parseOtherwise(cursor, body.stop, kind, at)
  cursor.depth -= 1
  return { kind, pipeline, body: body.nodes, otherwise }
}

function parseOtherwise(
  cursor: Cursor,
  stop: Stop | undefined,
  kind: 'if' | 'with' | 'range',
  at: number,
): readonly Node[] {
  if (!stop) throw templateError(at, `{{${kind}}} without {{end}}`)
  if (stop.word === 'end') {
    expectClose(cursor)
    return []
  }
  const next = cursor.tokens[cursor.at]
  if (next?.kind === 'word' && next.name === kind && kind !== 'range') {
    cursor.at += 1
    return [parseBlock(cursor, kind, stop.at)]
  }
  expectClose(cursor)
  const otherwise = parseNodes(cursor)
  if (otherwise.stop?.word !== 'end') throw templateError(at, `{{${kind}}} without {{end}}`)
  expectClose(cursor)
  return otherwise.nodes
}

function expectClose(cursor: Cursor): void {
  const token = cursor.tokens[cursor.at++]
  if (token?.kind !== 'close') throw templateError(token?.at ?? cursor.end, 'expected }}')
}

function isMark(token: Token | undefined, ...marks: readonly Mark[]): boolean {
  return token?.kind === 'mark' && marks.includes(token.mark)
}

function parsePipeline(cursor: Cursor, maxVariables: number): Pipeline {
  const at = cursor.tokens[cursor.at]?.at ?? cursor.end
  const declaration = parseDeclaration(cursor, maxVariables)
  const calls = [parseCall(cursor)]
  while (isMark(cursor.tokens[cursor.at], '|')) {
    cursor.at += 1
    const call = parseCall(cursor)
    if (call.first.kind === 'literal' || (call.first.kind === 'dot' && call.first.fields.length === 0)) {
      throw templateError(call.at, 'expected a function behind |')
    }
    calls.push(call)
  }
  return { at, ...declaration, calls }
}

function parseDeclaration(
  cursor: Cursor,
  maxVariables: number,
): { readonly variables: readonly string[]; readonly assigns: boolean } {
  const variables: string[] = []
  let at = cursor.at
  for (;;) {
    const token = cursor.tokens[at]
    if (token?.kind !== 'variable') return { variables: [], assigns: false }
    variables.push(token.name)
    const next = cursor.tokens[at + 1]
    at += 2
    if (isMark(next, ',') && variables.length < maxVariables) continue
    if (!isMark(next, ':=', '=')) return { variables: [], assigns: false }
    cursor.at = at
    return { variables, assigns: isMark(next, '=') }
  }
}

function parseCall(cursor: Cursor): Call {
  const operands: Operand[] = []
  for (;;) {
    const operand = parseOperand(cursor)
    if (!operand) break
    operands.push(operand)
  }
  const token = cursor.tokens[cursor.at]
  const [first, ...rest] = operands
  if (!first) throw templateError(token?.at ?? cursor.end, 'expected a value')
  if (first.kind === 'literal' && first.value === null) throw templateError(first.at, 'nil is not a value')
  if (rest.length > 0 && first.kind === 'literal') {
    throw templateError(first.at, 'a literal takes no arguments')
  }
  return { at: first.at, first, rest }
}

function parseOperand(cursor: Cursor): Operand | undefined {
  const token = cursor.tokens[cursor.at]
  if (!token) return undefined
  switch (token.kind) {
    case 'string':
    case 'number':
      cursor.at += 1
      return { kind: 'literal', at: token.at, value: token.value }
    case 'field':
      return { kind: 'dot', at: token.at, fields: [takeField(cursor), ...joinedFields(cursor)] }
    case 'variable':
      cursor.at += 1
      return { kind: 'variable', at: token.at, name: token.name, fields: joinedFields(cursor) }
    case 'word':
      cursor.at += 1
      return parseWord(token.name, token.at, cursor)
    case 'mark':
      return parseMarkOperand(cursor, token)
    default:
      return undefined
  }
}

function parseWord(name: string, at: number, { isFunction }: Cursor): Operand {
  if (name === 'true' || name === 'false') return { kind: 'literal', at, value: name === 'true' }
  if (name === 'nil') return { kind: 'literal', at, value: null }
  if (!isFunction(name)) throw templateError(at, `function "${name}" not defined`)
  return { kind: 'function', at, name }
}

function parseMarkOperand(cursor: Cursor, token: { at: number; mark: Mark }): Operand | undefined {
  if (token.mark === '.') {
    cursor.at += 1
    return { kind: 'dot', at: token.at, fields: [] }
  }
  if (token.mark !== '(') return undefined
  if (++cursor.depth > MAX_DEPTH) {
    throw templateError(token.at, `parentheses are nested more than ${MAX_DEPTH} deep`)
  }
  cursor.at += 1
  const pipeline = parsePipeline(cursor, 0)
  if (!isMark(cursor.tokens[cursor.at], ')')) throw templateError(token.at, 'unclosed (')
  cursor.at += 1
  cursor.depth -= 1
  return { kind: 'group', at: token.at, pipeline, fields: joinedFields(cursor) }
}

function takeField(cursor: Cursor): string {
  const token = cursor.tokens[cursor.at++]
  return token?.kind === 'field' ? token.name : ''
}

function joinedFields(cursor: Cursor): string[] {
  const fields: string[] = []
  for (;;) {
    const token = cursor.tokens[cursor.at]
    if (token?.kind !== 'field' || !token.joined) return fields
    cursor.at += 1
    fields.push(token.name)
  }
}
