/** `2026-11-20 21:45:28.380 +0000 UTC`: local time in the form of Go. */
export function formatGoTime(ms: number): string {
  const time = new Date(ms)
  const offset = -time.getTimezoneOffset()
  const shifted = new Date(ms + offset * 60_000).toISOString()
  const fraction = shifted.slice(19, -1).replace(/\.?0+$/, '')
  const zone = zoneOf(offset)
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)}${fraction} ${zone} ${offset === 0 ? 'UTC' : zone}`
}

function zoneOf(minutes: number): string {
  const size = Math.abs(minutes)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}

const NO_TIME_SECONDS = -62_135_596_800

/** Seconds since 1970 of an RFC 3339 time; Go's number for no time where there is none. */
export function goSeconds(time: string | undefined): number {
  return time === undefined ? NO_TIME_SECONDS : Math.floor(Date.parse(time) / 1000)
}
