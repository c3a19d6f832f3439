import { parseDuration } from './duration.ts'

const SECONDS = /^(\d{1,12})(?:\.(\d{1,9})\d*)?$/
const DATE =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9})\d*)?)?)?)?(Z|[+-]\d\d:\d\d)?$/i

/** As {@link parseMomentNs}, in milliseconds since 1970. */
export function parseMoment(text: string, now: number): number {
  return Number(parseMomentNs(text, now) / 1000n) / 1000
}

/**
 * A moment, as `until` and `since` take it, in nanoseconds since 1970: a date (`2026-11-03`, `2026-11-03T12:00:00Z`; local time where
 * no zone is given), seconds since 1970, or a duration that ended now (`10m`, `1h30m`).
 * @param now milliseconds since 1970
 * @throws an Error that says what was expected
 */
export function parseMomentNs(text: string, now: number): bigint {
  return parseSeconds(text) ?? parseDate(text) ?? parseAgo(text, now)
}

function parseSeconds(text: string): bigint | undefined {
  const [, seconds, fraction = ''] = SECONDS.exec(text) ?? []
  return seconds === undefined ? undefined : BigInt(seconds) * 1_000_000_000n + nanoseconds(fraction)
}

function parseDate(text: string): bigint | undefined {
  const [, date, hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = DATE.exec(text) ?? []
  if (date === undefined) return undefined
  // With an hour, which makes it local time: a date alone would be taken for UTC.
  const ms = Date.parse(`${date}T${hour}:${minute}:${second}${zone.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + nanoseconds(fraction)
}

function nanoseconds(fraction: string): bigint {
  return BigInt(fraction.padEnd(9, '0'))
}

function parseAgo(text: string, now: number): bigint {
  try {
    return BigInt(Math.round((now - parseDuration(text)) * 1000)) * 1000n
  } catch (cause) {
    throw new Error(`"${text}" is no time, expected a date, seconds since 1970 or a duration such as 24h`, {
      cause,
    })
  }
}
