import { CONTAINER_FILTERS } from '../engine/container/listFilter.ts'
import { type Filters, parseFilters } from './filter.ts'
import { list } from './flags/kinds.ts'
import { momentOf } from './pruneFilter.ts'

/** `--filter` of a command that acts on containers. @param short where the letter is free */
export function containerFilterFlag(help: string, short?: 'f') {
  return list({
    ...(short && { short }),
    help,
    completion: { kind: 'values', values: CONTAINER_FILTERS.map((key) => `${key}=`) },
  })
}

/** Reads `--filter` of containers, with moments as milliseconds. @throws BryoError USAGE */
export function readContainerFilters(given: readonly string[]): Filters {
  const filters = new Map(parseFilters(given, CONTAINER_FILTERS))
  const moments = filters.get('until')?.map((text) => String(momentOf(text)))
  return moments ? filters.set('until', moments) : filters
}
