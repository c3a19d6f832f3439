import { matchesLabel } from '../base/labels.ts'

/** What of all that nobody uses is to be removed. */
export interface PruneFilter {
  /** `key` or `key=value`: all of them. */
  readonly labels: readonly string[]
  /** None of these. */
  readonly withoutLabels: readonly string[]
  /** Only what was made before; milliseconds since 1970. */
  readonly until?: number | undefined
}

export interface Prunable {
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly created: string
}

export function fitsPruneFilter(filter: PruneFilter, { labels, created }: Prunable): boolean {
  return (
    filter.labels.every((label) => matchesLabel(labels, label)) &&
    !filter.withoutLabels.some((label) => matchesLabel(labels, label)) &&
    (filter.until === undefined || Date.parse(created) < filter.until)
  )
}
