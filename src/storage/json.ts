import { readFileSync } from 'node:fs'
import type { Digest } from '../base/brand.ts'
import { isDigest } from '../base/digest.ts'
import { BryoError, unlessErrno } from '../base/errors.ts'
import { isObject } from '../base/json.ts'

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

const REMEDY = 'see what is damaged, and mend it: bryo system check --repair'

/** The parsed file; undefined where there is none. @throws BryoError STORAGE where it is not JSON */
export function readJsonFile(path: string): JsonValue | undefined {
  const text = unlessErrno(() => readFileSync(path, 'utf8'), 'ENOENT', 'ENOTDIR')
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = `cannot read "${path}": ${text.length} characters that are not JSON`
    throw new BryoError('STORAGE', message, { cause, hint: REMEDY })
  }
}

/** Typed access to the fields of a JSON object of a file; each throws BryoError STORAGE that names file and field. */
export interface Fields {
  readonly has: (key: string) => boolean
  readonly text: (key: string) => string
  readonly number: (key: string) => number
  readonly flag: (key: string) => boolean
  readonly digest: (key: string) => Digest
  readonly texts: (key: string) => readonly string[]
  readonly digests: (key: string) => readonly Digest[]
  readonly json: (key: string) => JsonValue
  readonly list: <T>(key: string, parse: (fields: Fields) => T) => readonly T[]
  readonly object: (key: string) => Fields
}

const isText = (value: JsonValue | undefined): value is string => typeof value === 'string'
const isNumber = (value: JsonValue | undefined): value is number => typeof value === 'number'
const isFlag = (value: JsonValue | undefined): value is boolean => typeof value === 'boolean'
const isList = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value)
const isTexts = (value: JsonValue | undefined): value is readonly string[] =>
  isList(value) && value.every(isText)
const isDigestText = (value: JsonValue | undefined): value is Digest => isText(value) && isDigest(value)
const isDigests = (value: JsonValue | undefined): value is readonly Digest[] =>
  isList(value) && value.every(isDigestText)
const isJson = (value: JsonValue | undefined): value is JsonValue => value !== undefined

/** @param path the file, for messages */
export function fieldsOf(value: JsonValue | undefined, path: string): Fields {
  if (!isObject(value)) throw unexpected(path, 'content', value, 'an object')
  const object = value
  function need<T extends JsonValue>(
    key: string,
    test: (found: JsonValue | undefined) => found is T,
    wanted: string,
  ): T {
    const found = object[key]
    if (!test(found)) throw unexpected(path, `field "${key}"`, found, wanted)
    return found
  }
  return {
    has: (key) => object[key] !== undefined,
    text: (key) => need(key, isText, 'a string'),
    number: (key) => need(key, isNumber, 'a number'),
    flag: (key) => need(key, isFlag, 'true or false'),
    digest: (key) => need(key, isDigestText, 'a digest'),
    texts: (key) => need(key, isTexts, 'a list of strings'),
    digests: (key) => need(key, isDigests, 'a list of digests'),
    json: (key) => need(key, isJson, 'a value'),
    list: (key, parse) => need(key, isList, 'a list').map((item) => parse(fieldsOf(item, path))),
    object: (key) => fieldsOf(object[key], path),
  }
}

/** The strings of a JSON object; for labels and the like. */
export function textRecord(value: JsonValue, path: string): Readonly<Record<string, string>> {
  if (!isObject(value)) throw unexpected(path, 'field', value, 'an object of strings')
  const entries: (readonly [string, string])[] = []
  for (const [key, found] of Object.entries(value)) {
    if (!isText(found)) throw unexpected(path, `field "${key}"`, found, 'a string')
    entries.push([key, found])
  }
  return Object.fromEntries(entries)
}

function unexpected(path: string, where: string, found: JsonValue | undefined, wanted: string): BryoError {
  const shown = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 60)
  const message = `cannot read "${path}": ${where} is ${shown}, expected ${wanted}`
  return new BryoError('STORAGE', message, { hint: REMEDY })
}
