import { constants } from 'node:os'
import { BryoError } from '../../base/errors.ts'

const REALTIME: Readonly<Record<string, number>> = { SIGRTMIN: 34, SIGRTMAX: 64 }
const REALTIME_NAME = /^(SIGRTMIN|SIGRTMAX)([+-]\d+)?$/

/**
 * The number of a signal that options, an image or a record names: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
 * @throws BryoError USAGE
 */
export function signalNumber(text: string): number {
  const name = text.toUpperCase()
  const full = name.startsWith('SIG') ? name : `SIG${name}`
  const [, base = '', offset = '0'] = REALTIME_NAME.exec(full) ?? []
  const found = /^\d+$/.test(text)
    ? Number(text)
    : (REALTIME[base] ?? Number.NaN) + Number(offset) ||
      Object.entries(constants.signals).find(([known]) => known === full)?.[1]
  if (found === undefined || !(found >= 1 && found <= 64)) {
    throw new BryoError('USAGE', `invalid signal "${text}", expected the name or number of one`)
  }
  return found
}
