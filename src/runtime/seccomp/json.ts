// Readers of foreign JSON: each gives the typed value, or throws a TypeError that names the place and what was found.

import { isObject, type JsonObject } from '../../base/json.ts'

const MAX_STRING = 256

/** @param keys the keys that may occur; any without it */
export function asObject(value: unknown, place: string, keys?: readonly string[]): JsonObject {
  if (!isObject(value)) throw mismatch(value, place, 'an object')
  const unknown = keys && Object.keys(value).find((key) => !keys.includes(key))
  if (unknown !== undefined) {
    throw new TypeError(
      `${place} has the unknown key "${unknown.slice(0, 64)}", expected ${keys?.join(', ')}`,
    )
  }
  return value
}

export function asArray(value: unknown, place: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw mismatch(value, place, 'an array')
  if (value.length > max) throw new TypeError(`${place} has ${value.length} entries, expected at most ${max}`)
  return value
}

export function asString(value: unknown, place: string): string {
  if (typeof value !== 'string') throw mismatch(value, place, 'a string')
  if (value.length > MAX_STRING) {
    throw new TypeError(`${place} has ${value.length} characters, expected at most ${MAX_STRING}`)
  }
  return value
}

export function asStrings(value: unknown, place: string, max: number): readonly string[] {
  return asArray(value, place, max).map((entry, index) => asString(entry, `${place}[${index}]`))
}

/** A whole number from 0 to `max`. */
export function asInteger(value: unknown, place: string, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw mismatch(value, place, `a whole number from 0 to ${max}`)
  }
  return value
}

/** The number that a name stands for. */
export function asOneOf(name: string, table: Readonly<Record<string, number>>, place: string): number {
  const number = Object.hasOwn(table, name) ? table[name] : undefined
  if (number === undefined) {
    const known = Object.keys(table)
    const expected = known.length > 16 ? 'a known name' : `one of ${known.join(', ')}`
    throw new TypeError(`${place} is "${name.slice(0, 64)}", expected ${expected}`)
  }
  return number
}

function mismatch(value: unknown, place: string, expected: string): TypeError {
  return new TypeError(`${place} is ${describe(value)}, expected ${expected}`)
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return 'an array'
  if (isObject(value)) return 'an object'
  return JSON.stringify(value).slice(0, 64)
}
