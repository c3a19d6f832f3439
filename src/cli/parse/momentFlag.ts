import { BryoError, messageOf } from '../../base/errors.ts'
import { parseMomentNs } from './moment.ts'

/** The moment that a flag names, in nanoseconds since 1970. @param now milliseconds since 1970 @throws BryoError USAGE */
export function momentFlag(flag: string, text: string | undefined, now: number): bigint | undefined {
  if (text === undefined) return undefined
  try {
    return parseMomentNs(text, now)
  } catch (error) {
    throw new BryoError('USAGE', `parsing ${flag}: ${messageOf(error)}`, { cause: error })
  }
}
