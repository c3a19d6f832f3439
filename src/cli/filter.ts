import { BryoError } from '../base/errors.ts'

/** Values by key: one object must match all keys, and of each key at least one value. */
export type Filters = ReadonlyMap<string, readonly string[]>

/**
 * Reads `--filter key=value`, as often as it was given.
 * @throws BryoError USAGE for a key that this list does not know
 */
export function parseFilters(given: readonly string[], known: readonly string[]): Filters {
  const filters = new Map<string, string[]>()
  for (const text of given) {
    const equals = text.indexOf('=')
    const key = equals === -1 ? text : text.slice(0, equals)
    if (equals === -1) {
      throw new BryoError('USAGE', `invalid filter "${text}", expected key=value`)
    }
    if (!known.includes(key)) {
      throw new BryoError('USAGE', `${key} is an invalid filter, expected one of ${known.join(', ')}`)
    }
    const values = filters.get(key) ?? []
    values.push(text.slice(equals + 1))
    filters.set(key, values)
  }
  return filters
}
