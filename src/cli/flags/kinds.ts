import { parseCsvRecord } from '../parse/csv.ts'
import type { Completion, Flag } from './flag.ts'

interface Common {
  readonly help: string
  readonly short?: string
  readonly completion?: Completion
}

interface Valued extends Common {
  readonly placeholder?: string
  readonly defaultText?: string
}

const NONE: Completion = { kind: 'none' }
const TRUE_WORDS = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])
const FALSE_WORDS = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

function parseBoolean(text: string): boolean {
  if (TRUE_WORDS.has(text)) return true
  if (FALSE_WORDS.has(text)) return false
  throw new Error('expected true or false')
}

/** `--rm`, `--rm=false`. */
export function toggle(options: Common & { readonly initial?: boolean }): Flag<boolean> {
  const initial = options.initial ?? false
  return {
    placeholder: undefined,
    initial,
    short: options.short,
    help: options.help,
    defaultText: initial ? 'true' : undefined,
    completion: { kind: 'values', values: ['true', 'false'] },
    accept: parseBoolean,
  }
}

/** A switch whose absence differs from `=false`. */
export function triState(options: Common): Flag<boolean | undefined> {
  return { ...toggle(options), initial: undefined }
}

/** A value of any type, the last one given wins; `parse` throws an Error that says what was expected. */
export function value<T>(options: Valued & { readonly parse: (text: string) => T }): Flag<T | undefined> {
  return {
    placeholder: options.placeholder ?? 'string',
    initial: undefined,
    short: options.short,
    help: options.help,
    defaultText: options.defaultText,
    completion: options.completion ?? NONE,
    accept: options.parse,
  }
}

export function text(options: Valued): Flag<string | undefined> {
  return value({ ...options, parse: (given) => given })
}

/** A text with a default, so the handler never sees undefined. */
export function textOr(initial: string, options: Valued): Flag<string> {
  const defaultText = options.defaultText ?? (initial === '' ? undefined : JSON.stringify(initial))
  return { ...text(options), initial, defaultText, accept: (given) => given }
}

/** Every occurrence is one item, commas included. */
export function list(options: Valued): Flag<readonly string[]> {
  return many({ ...options, parse: (given) => given })
}

/** Every occurrence is one item. */
export function many<T>(options: Valued & { readonly parse: (text: string) => T }): Flag<readonly T[]> {
  return {
    ...value(options),
    placeholder: options.placeholder ?? 'stringArray',
    initial: [],
    accept: (given, soFar) => [...soFar, options.parse(given)],
  }
}

/** Occurrences are split at commas, and quotes protect a comma: `--cap-add a,b --cap-add c`. */
export function commaList(options: Valued): Flag<readonly string[]> {
  return commaMany({ ...options, parse: (given) => given })
}

/** As {@link commaList}, of any type. */
export function commaMany<T>(options: Valued & { readonly parse: (text: string) => T }): Flag<readonly T[]> {
  return {
    ...value(options),
    placeholder: options.placeholder ?? 'strings',
    initial: [],
    accept: (given, soFar) =>
      given === '' ? soFar : [...soFar, ...parseCsvRecord(given).map(options.parse)],
  }
}

function parseInteger(given: string): number {
  const number = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new Error('expected an integer')
  return number
}

export function integer(options: Valued): Flag<number | undefined> {
  return value({ ...options, placeholder: options.placeholder ?? 'int', parse: parseInteger })
}

/** An integer that is not negative. */
export function count(options: Valued): Flag<number | undefined> {
  const parse = (given: string): number => {
    const number = parseInteger(given)
    if (number < 0) throw new Error('expected an integer of at least 0')
    return number
  }
  return value({ ...options, placeholder: options.placeholder ?? 'uint', parse })
}

/** One of a few words; they are also what a shell offers. */
export function choice<const V extends string>(words: readonly V[], options: Valued): Flag<V | undefined> {
  const parse = (given: string): V => {
    const found = words.find((word) => word === given)
    if (found === undefined) throw new Error(`expected one of ${words.join(', ')}`)
    return found
  }
  return value({ ...options, completion: { kind: 'values', values: words }, parse })
}

/** Like {@link choice}, with a default. */
export function choiceOr<const V extends string>(initial: V, words: readonly V[], options: Valued): Flag<V> {
  const flag = choice(words, options)
  return {
    ...flag,
    initial,
    defaultText: options.defaultText ?? JSON.stringify(initial),
    accept: (given) => flag.accept(given, undefined) ?? initial,
  }
}
