import { BryoError, messageOf } from '../../base/errors.ts'
import { camelCase, type FlagTable, type FlagValues } from './flag.ts'
import { Refusal } from './refused.ts'
import type { Occurrence } from './scan.ts'

/**
 * Turns what was found on the command line into the typed values of one table; occurrences of flags of other
 * tables are passed over.
 * @throws BryoError USAGE
 */
export function foldFlags<F extends FlagTable>(
  flags: F,
  occurrences: readonly Occurrence[],
  hint: string,
): FlagValues<F> {
  const values: Record<string, unknown> = {}
  for (const [name, flag] of Object.entries(flags)) values[camelCase(name)] = flag.initial
  for (const { name, text } of occurrences) {
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined
    if (!flag) continue
    try {
      values[camelCase(name)] = flag.accept(text, values[camelCase(name)])
    } catch (error) {
      if (error instanceof Refusal)
        throw new BryoError('UNSUPPORTED', `cannot use --${name}: ${error.message}`, { hint })
      const spelling = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`
      throw new BryoError('USAGE', `invalid argument "${text}" for "${spelling}" flag: ${messageOf(error)}`, {
        hint: error instanceof BryoError && error.hint !== undefined ? error.hint : hint,
        cause: error,
      })
    }
  }
  // Each entry is its flag's initial value or came from that flag's accept().
  return values as FlagValues<F>
}
