import { BryoError, messageOf } from '../base/errors.ts'

/** Gives a parser's complaint the form that all flags have. */
export function parseEach<T>(flag: string, text: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof BryoError) throw error
    throw new BryoError('USAGE', `invalid argument "${text}" for "${flag}" flag: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
