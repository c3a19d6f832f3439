import { constants } from 'node:os'
import { BryoError } from '../../base/errors.ts'

const REALTIME = { RTMIN: 34, RTMAX: 64 } as const
const LAST = 64

/** The number of `SIGTERM`, `term`, `15`, `RTMIN+3`. @throws BryoError USAGE */
export function signalNumber(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const number = /^\d{1,3}$/.test(text) ? Number(text) : numberOf(name)
  if (number === undefined || number < 0 || number > LAST) {
    throw new BryoError(
      'USAGE',
      `invalid signal "${text.slice(0, 64)}", expected a name or a number up to ${LAST}`,
    )
  }
  return number
}

function numberOf(name: string): number | undefined {
  const [, base, offset] = /^(RTMIN|RTMAX)([+-]\d{1,2})?$/.exec(name) ?? []
  if (base === 'RTMIN' || base === 'RTMAX') {
    const number = REALTIME[base] + Number(offset ?? 0)
    return number >= REALTIME.RTMIN ? number : undefined
  }
  return Object.entries(constants.signals).find(([known]) => known === `SIG${name}`)?.[1]
}
