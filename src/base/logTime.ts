const NS_PER_SECOND = 1_000_000_000n
const NS_PER_MS = 1_000_000n

/** Length of what {@link formatLogTime} gives for all years of four digits. */
export const LOG_TIME_LENGTH = 30

/** `2026-11-03T12:34:56.123456789Z`: nanoseconds since 1970 as RFC 3339, in UTC, always of the same length. */
export function formatLogTime(at: bigint): string {
  const nanoseconds = Number(at % NS_PER_SECOND)
  const second = new Date(Number(at / NS_PER_MS)).toISOString().slice(0, 19)
  return `${second}.${String(nanoseconds).padStart(9, '0')}Z`
}

/** Nanoseconds since 1970; microseconds are as far as the clock goes. */
export function nowNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n
}

const RFC3339 = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)$/

/** Nanoseconds since 1970 of an RFC 3339 time; undefined for any other text. */
export function parseLogTime(text: string): bigint | undefined {
  const [, date, time, fraction = '', zone = ''] = RFC3339.exec(text) ?? []
  if (date === undefined) return undefined
  const ms = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * NS_PER_MS + BigInt(fraction.padEnd(9, '0'))
}
