import { BryoError } from '../../base/errors.ts'

/** A template that cannot be read or does not fit the data; `at` is the character's index in the text. */
export function templateError(at: number, problem: string, hint?: string): BryoError {
  return new BryoError('USAGE', `invalid format at character ${at + 1}: ${problem}`, { hint })
}
