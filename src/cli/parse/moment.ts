import { parseDuration } from './duration.ts'

const SECONDS = /^(\d{1,12})(\.\d+)?$/
/** Without a zone, local time is meant. */
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?$/i

/**
 * A moment, as `until` and `since` take it, in milliseconds since 1970: a date (`2026-11-03`, `2026-11-03T12:00:00Z`), seconds
 * since 1970, or a duration that ended now (`10m`, `1h30m`).
 * @throws an Error that says what was expected
 */
export function parseMoment(text: string, now: number): number {
  const [, whole, fraction = ''] = SECONDS.exec(text) ?? []
  if (whole !== undefined) return Number(`${whole}${fraction}`) * 1000
  if (DATE.test(text)) {
    // A date alone would be taken for UTC.
    const parsed = Date.parse(text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T'))
    if (!Number.isNaN(parsed)) return parsed
  }
  try {
    return now - parseDuration(text)
  } catch (cause) {
    throw new Error(`"${text}" is no time, expected a date, seconds since 1970 or a duration such as 24h`, {
      cause,
    })
  }
}
