import { BryoError } from '../base/errors.ts'
import { isObject, type JsonObject } from '../base/json.ts'

/** Reads one foreign JSON document; every refusal says which document and which member it is about. */
export interface JsonReader {
  readonly fail: (member: string, expected: string) => BryoError
  readonly object: (value: unknown, member: string) => JsonObject
  readonly array: (value: unknown, member: string) => readonly unknown[]
  readonly string: (value: unknown, member: string) => string
  /** null and a missing member are undefined. */
  readonly optionalString: (value: unknown, member: string) => string | undefined
  /** null and a missing member are an empty list. */
  readonly strings: (value: unknown, member: string) => readonly string[]
  /** null and a missing member are an empty map. */
  readonly stringMap: (value: unknown, member: string) => Readonly<Record<string, string>>
}

/** @param what the document's name in messages, e.g. `image manifest` */
export function jsonReader(what: string): JsonReader {
  const fail = (member: string, expected: string) =>
    new BryoError('INVALID_IMAGE', `cannot read ${what}: "${member}" is not as expected: ${expected}`)
  const object = (value: unknown, member: string): JsonObject => {
    if (!isObject(value)) throw fail(member, 'an object')
    return value
  }
  const array = (value: unknown, member: string): readonly unknown[] => {
    if (!Array.isArray(value)) throw fail(member, 'a list')
    return value
  }
  const string = (value: unknown, member: string): string => {
    if (typeof value !== 'string') throw fail(member, 'a string')
    // A NUL would cut the text short wherever it is handed to the kernel.
    if (value.includes('\0')) throw fail(member, 'a string without NUL')
    return value
  }
  return {
    fail,
    object,
    array,
    string,
    optionalString: (value, member) => (value == null ? undefined : string(value, member)),
    strings: (value, member) =>
      value == null ? [] : array(value, member).map((item) => string(item, member)),
    stringMap: (value, member) =>
      value == null
        ? {}
        : Object.fromEntries(
            Object.entries(object(value, member)).map(([key, item]) => [
              string(key, member),
              string(item, `${member}.${key.slice(0, 100)}`),
            ]),
          ),
  }
}

/**
 * Parses bounded, strictly UTF-8 JSON whose top is an object.
 * @param limit bytes
 */
export function parseJsonObject(what: string, bytes: Uint8Array, limit: number): JsonObject {
  if (bytes.byteLength > limit) {
    throw new BryoError(
      'INVALID_IMAGE',
      `cannot read ${what}: it has ${bytes.byteLength} bytes, expected at most ${limit}`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new BryoError('INVALID_IMAGE', `cannot read ${what}: it is no valid JSON`, { cause })
  }
  if (!isObject(value)) throw new BryoError('INVALID_IMAGE', `cannot read ${what}: it is no JSON object`)
  return value
}
