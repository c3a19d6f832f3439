import { isObject } from '../../base/json.ts'

/** Go's `<no value>`: a key that a map does not have. */
export const NO_VALUE: unique symbol = Symbol('<no value>')

/**
 * A map of the data, such as labels: any key may be asked for. Other objects are records, where an unknown field
 * is the user's mistake. It has no prototype, which is also how it is recognised.
 */
export function dictionary<T>(entries: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  return Object.assign(Object.create(null), entries)
}

/** The same data with every object in it a {@link dictionary}: for documents that leave out what is empty. */
export function dictionaries(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dictionaries)
  if (!isObject(value)) return value
  return dictionary(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, dictionaries(item)])))
}

/**
 * Adds members that only a template sees that asks for them by name: no JSON and no `{{.}}` shows them.
 * @returns the same object
 */
export function withHidden<T extends object>(fields: T, hidden: Readonly<Record<string, unknown>>): T {
  for (const [name, value] of Object.entries(hidden)) {
    if (!Object.hasOwn(fields, name)) Object.defineProperty(fields, name, { value })
  }
  return fields
}

/** Podman's templates reach the members of some objects by the names of their types too: `.ListContainer.ID`. */
export function underTypeNames<T extends object>(fields: T, ...names: readonly string[]): T {
  return withHidden(fields, Object.fromEntries(names.map((name) => [name, fields])))
}

export function isDictionary(value: unknown): value is Readonly<Record<string, unknown>> {
  return isObject(value) && Object.getPrototypeOf(value) === null
}

/** Go's idea of an empty value. */
export function isTruthy(value: unknown): boolean {
  if (value === undefined || value === null || value === NO_VALUE) return false
  if (Array.isArray(value)) return value.length > 0
  if (isDictionary(value)) return Object.keys(value).length > 0
  return Boolean(value)
}

/** The name of a value's type, for messages. */
export function typeName(value: unknown): string {
  if (value === undefined || value === null || value === NO_VALUE) return 'nil'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64'
  if (typeof value === 'boolean') return 'bool'
  return isDictionary(value) ? 'map' : typeof value
}

/** How Go prints a value: `[a b]`, `map[k:v]`, `{a b}`. */
export function printValue(value: unknown): string {
  if (value === NO_VALUE) return '<no value>'
  if (value === undefined || value === null) return '<nil>'
  if (typeof value === 'number') return printNumber(value)
  if (Array.isArray(value)) return `[${value.map(printValue).join(' ')}]`
  if (!isObject(value)) return String(value)
  if (!isDictionary(value)) return `{${Object.values(value).map(printValue).join(' ')}}`
  const keys = Object.keys(value).sort()
  return `map[${keys.map((key) => `${key}:${printValue(value[key])}`).join(' ')}]`
}

/** `%v` of a number: an exponent of two digits at least, below 1e-4 and from 1e21 on. */
export function printNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return BigInt(value).toString()
  const small = value !== 0 && Math.abs(value) < 1e-4
  const text = small ? value.toExponential() : String(value)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}
