import { BryoError } from '../../../base/errors.ts'
import { isObject } from '../../../base/json.ts'

/** A value of foreign JSON and where it stands: `linux.namespaces[2].type`. */
export interface JsonNode {
  readonly value: unknown
  readonly place: string
  /** The document, for messages. */
  readonly document: string
}

const MAX_ENTRIES = 65536

/** The root of a document. @throws BryoError USAGE where it is not JSON */
export function parseJson(text: string, document: string): JsonNode {
  try {
    return { value: JSON.parse(text), place: '', document }
  } catch (error) {
    throw unreadable(error, document)
  }
}

/** JSON that is nested too deeply may only be found out on its way back to text. */
export function toJson(node: JsonNode): string {
  try {
    return JSON.stringify(node.value)
  } catch (error) {
    throw unreadable(error, node.document)
  }
}

function unreadable(error: unknown, document: string): BryoError {
  const reason = error instanceof RangeError ? 'it is nested too deeply' : 'it is not JSON'
  return new BryoError('USAGE', `cannot read "${document}": ${reason}`, { cause: error })
}

/** @throws BryoError USAGE that names document, place and what was expected there */
export function mismatch(node: JsonNode, expected: string): BryoError {
  const place = node.place === '' ? 'its content' : node.place
  return new BryoError(
    'USAGE',
    `cannot read "${node.document}": ${place} is ${describe(node.value)}, expected ${expected}`,
  )
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return 'missing'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object') return 'an object'
  const shown = JSON.stringify(value)
  return shown.length > 80 ? `${shown.slice(0, 80)}...` : shown
}

/** null counts as absent: Go writes it for empty lists. */
export function isAbsent(node: JsonNode): boolean {
  return node.value === undefined || node.value === null
}

/** A member of an object, absent where it or the object is. */
export function member(node: JsonNode, key: string): JsonNode {
  if (isAbsent(node)) return { ...node, value: undefined, place: join(node.place, key) }
  if (!isObject(node.value)) throw mismatch(node, 'an object')
  const value = Object.hasOwn(node.value, key) ? node.value[key] : undefined
  return { ...node, value, place: join(node.place, key) }
}

function join(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`
}

/** Reads a member where it is there. */
export function optional<T>(node: JsonNode, key: string, read: (node: JsonNode) => T): T | undefined {
  const found = member(node, key)
  return isAbsent(found) ? undefined : read(found)
}

/** The entries of an array; none where it is absent. */
export function list<T>(node: JsonNode, key: string, read: (node: JsonNode) => T): readonly T[] {
  const found = member(node, key)
  if (isAbsent(found)) return []
  if (!Array.isArray(found.value)) throw mismatch(found, 'an array')
  const values: readonly unknown[] = found.value
  if (values.length > MAX_ENTRIES) throw mismatch(found, `at most ${MAX_ENTRIES} entries`)
  return values.map((value, index) => read({ ...node, value, place: `${found.place}[${index}]` }))
}

/** An object of strings; empty where it is absent. */
export function textRecord(node: JsonNode, key: string): Readonly<Record<string, string>> {
  const found = member(node, key)
  if (isAbsent(found)) return {}
  if (!isObject(found.value)) throw mismatch(found, 'an object')
  return Object.fromEntries(Object.keys(found.value).map((name) => [name, text(member(found, name))]))
}

/** Any string without a NUL, which would end it early in the kernel. */
export function text(node: JsonNode): string {
  if (typeof node.value !== 'string') throw mismatch(node, 'a string')
  if (node.value.includes('\0')) throw mismatch(node, 'a string without a NUL character')
  return node.value
}

export function nonEmpty(node: JsonNode): string {
  const found = text(node)
  if (found === '') throw mismatch(node, 'a string that is not empty')
  return found
}

export function absolutePath(node: JsonNode): string {
  const found = text(node)
  if (!found.startsWith('/')) throw mismatch(node, 'an absolute path')
  return found
}

export function flag(node: JsonNode): boolean {
  if (typeof node.value !== 'boolean') throw mismatch(node, 'true or false')
  return node.value
}

/** A whole number between the two, which are included. */
export function integer(node: JsonNode, least: number, most: number): number {
  const { value } = node
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value
  throw mismatch(node, `a whole number from ${least} to ${most}`)
}

export function oneOf<const V extends string>(node: JsonNode, words: readonly V[]): V {
  const found = words.find((word) => word === node.value)
  if (found === undefined) throw mismatch(node, `one of ${words.join(', ')}`)
  return found
}

/** A section that this program cannot do: an error where it is there with any content. */
export function refuse(node: JsonNode, key: string, reason: string): void {
  const found = member(node, key)
  if (isAbsent(found) || found.value === '' || found.value === false) return
  if (typeof found.value === 'object' && found.value !== null && Object.keys(found.value).length === 0) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot use "${node.document}": ${found.place} is not supported: ${reason}`,
  )
}
