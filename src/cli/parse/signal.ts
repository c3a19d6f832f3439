const REALTIME_FIRST = 34
const REALTIME_LAST = 64

/** Checks `SIGTERM`, `term`, `15`, `RTMIN+3`, `SIGRTMAX-1`; gives the name with SIG, or the number. */
export function parseSignal(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const isNumber = /^\d+$/.test(text)
  const number = isNumber ? Number(text) : numberOf(name)
  if (number === undefined || number < 1 || number > REALTIME_LAST) {
    throw new Error('expected the name or number of a signal')
  }
  return isNumber ? String(number) : `SIG${name}`
}

function numberOf(name: string): number | undefined {
  const [, base, offset = '0'] = /^(RTMIN|RTMAX)((?:[+-]\d+)?)$/.exec(name) ?? []
  if (base !== undefined) {
    const number = (base === 'RTMIN' ? REALTIME_FIRST : REALTIME_LAST) + Number(offset || '0')
    return number >= REALTIME_FIRST ? number : undefined
  }
  const { signals } = process.getBuiltinModule('node:os').constants
  const found = Object.entries(signals).find(([known]) => known === `SIG${name}`)
  return found?.[1]
}
