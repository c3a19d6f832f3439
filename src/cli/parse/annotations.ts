import { BryoError } from '../../base/errors.ts'

/** `KEY=VALUE` as often as it was given. @throws BryoError USAGE */
export function parseKeyValues(flag: string, given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const equals = text.indexOf('=')
      if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
      throw new BryoError('USAGE', `cannot read ${flag} "${text.slice(0, 100)}", expected KEY=VALUE`)
    }),
  )
}
