const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy

/**
 * Milliseconds of Go's notation: `10s`, `1m30s`, `500ms`, `0`.
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  const body = text.replace(/^[+-]/, '')
  if (body === '0') return 0
  let total = 0
  let at = 0
  for (const match of body.matchAll(PART)) {
    total += Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN)
    at = match.index + match[0].length
  }
  if (at === 0 || at !== body.length || !Number.isFinite(total)) {
    throw new Error('expected a duration such as 10s or 1m30s')
  }
  return sign * total
}
