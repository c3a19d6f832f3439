import { isObject } from '../../base/json.ts'
import { sprintf } from './printf.ts'
import { isDictionary, isTruthy, NO_VALUE, printValue, typeName } from './value.ts'

/** A function of the templates; it throws an Error that says what is wrong with its arguments. */
export type TemplateFunction = (...args: readonly unknown[]) => unknown

const MAX_PADDING = 4096

/** Go's built-in functions, and those that Docker and Podman add; `and` and `or` are the evaluator's. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  eq: (first, ...others) => atLeast(others, 1).some((other) => equal(first, other)),
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  not: (value) => !isTruthy(value),
  len: length,
  index: (value, ...keys) => keys.reduce(indexOne, value),
  slice,
  print,
  println: (...args) => `${args.map(printValue).join(' ')}\n`,
  printf: (format, ...args) => sprintf(text(format), args),
  html: (...args) => escapeHtml(print(...args)),
  js: (...args) => escapeJs(print(...args)),
  call: (fn, ...args) => {
    if (typeof fn !== 'function') throw new Error(`non-function of type ${typeName(fn)}`)
    return Reflect.apply(fn, undefined, args)
  },
  urlquery: (...args) => encodeURIComponent(print(...args)).replace(/%20/g, '+'),
  json,
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  title: (value) => text(value).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (match) => match.toUpperCase()),
  split: (value, separator) => text(value).split(text(separator)),
  join: (values, separator) => listOf(values).map(printValue).join(text(separator)),
  pad: (value, before, after) => `${spaces(before)}${text(value)}${spaces(after)}`,
  truncate: (value, length) => [...text(value)].slice(0, Math.max(0, integer(length))).join(''),
}

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new Error(`expected a string, got ${typeName(value)}`)
}

function integer(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new Error(`expected an integer, got ${typeName(value)}`)
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  if (value === null || value === undefined || value === NO_VALUE) return []
  throw new Error(`expected a list, got ${typeName(value)}`)
}

function atLeast(args: readonly unknown[], min: number): readonly unknown[] {
  if (args.length < min) throw new Error('an argument is missing')
  return args
}

function spaces(width: unknown): string {
  return ' '.repeat(Math.min(Math.max(0, integer(width)), MAX_PADDING))
}

function comparable(a: unknown, b: unknown): boolean {
  return typeof a === typeof b && (typeof a === 'string' || typeof a === 'number' || typeof a === 'boolean')
}

function equal(a: unknown, b: unknown): boolean {
  const left = a === NO_VALUE || a === undefined ? null : a
  const right = b === NO_VALUE || b === undefined ? null : b
  if (left === null || right === null) return left === right
  if (!comparable(left, right)) throw new Error(`cannot compare ${typeName(left)} with ${typeName(right)}`)
  return left === right
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  throw new Error(`cannot compare ${typeName(a)} with ${typeName(b)}`)
}

/** Bytes of a text, items of a list, keys of a map; a list that is not there is empty. */
function length(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (Array.isArray(value)) return value.length
  if (isDictionary(value)) return Object.keys(value).length
  if (value === null || value === undefined || value === NO_VALUE) return 0
  throw new Error(`${typeName(value)} has no length`)
}

function indexOne(value: unknown, key: unknown): unknown {
  if (isDictionary(value)) return Object.hasOwn(value, text(key)) ? value[text(key)] : ''
  if (typeof value === 'string') return Buffer.from(value)[inRange(key, length(value))]
  if (Array.isArray(value)) return value[inRange(key, value.length)]
  throw new Error(`cannot index ${isObject(value) ? 'a record: use .Name' : typeName(value)}`)
}

function inRange(index: unknown, length: number, bound = length - 1): number {
  const number = integer(index)
  if (number < 0 || number > bound) throw new Error(`index out of range: ${number} of ${length}`)
  return number
}

function slice(value: unknown, from: unknown = 0, to: unknown = undefined): unknown {
  const total = length(value)
  const end = to === undefined ? total : inRange(to, total, total)
  const start = inRange(from, total, end)
  if (typeof value === 'string') return Buffer.from(value).subarray(start, end).toString()
  return listOf(value).slice(start, end)
}

/** A space is put between two values of which neither is a text. */
function print(...args: readonly unknown[]): string {
  return args.reduce<string>((line, arg, at) => {
    const spaced = at > 0 && typeof arg !== 'string' && typeof args[at - 1] !== 'string'
    return `${line}${spaced ? ' ' : ''}${printValue(arg)}`
  }, '')
}

function json(value: unknown): string {
  return value === NO_VALUE || value === undefined ? 'null' : (JSON.stringify(value) ?? 'null')
}

const HTML: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  "'": '&#39;',
  '"': '&#34;',
}

function escapeHtml(value: string): string {
  return value.replace(/[<>&'"]/g, (char) => HTML[char] ?? char)
}

const JS: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

function escapeJs(value: string): string {
  return value.replace(/[\\'"<>&=\u0000-\u001f]/g, (char) => {
    return JS[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
  })
}
