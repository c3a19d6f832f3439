import { BryoError, messageOf } from '../base/errors.ts'
import type { PruneFilter } from '../engine/pruneFilter.ts'
import { parseFilters } from './filter.ts'
import { parseMoment } from './parse/moment.ts'

const KEYS = ['label', 'label!', 'until']

/** `--filter label=... --filter until=...` of the commands that prune. @throws BryoError USAGE */
export function parsePruneFilter(given: readonly string[]): PruneFilter {
  const filters = parseFilters(given, KEYS)
  const moments = (filters.get('until') ?? []).map(momentOf)
  return {
    labels: filters.get('label') ?? [],
    withoutLabels: filters.get('label!') ?? [],
    until: moments.length === 0 ? undefined : Math.min(...moments),
  }
}

/** A value of the filter `until`. @throws BryoError USAGE */
export function momentOf(text: string): number {
  try {
    return parseMoment(text, Date.now())
  } catch (cause) {
    throw new BryoError('USAGE', `invalid filter "until=${text}": ${messageOf(cause)}`, { cause })
  }
}
