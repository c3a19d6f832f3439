import { BryoError, type ErrorCode } from '../base/errors.ts'
import type { CommandContext } from './command.ts'
import { printLine } from './output.ts'
import { printError } from './report.ts'

/**
 * Does something with each of several containers, prints the name of each where that went well, and the error where not.
 * @param exitCodeOf of an error; the highest one counts
 */
export async function forEachName(
  names: readonly string[],
  { facts }: CommandContext,
  act: (name: string) => Promise<string | undefined> | string | undefined,
  exitCodeOf: (error: BryoError) => number = () => 125,
): Promise<number> {
  let exitCode = 0
  for (const name of names) {
    try {
      const done = await act(name)
      if (done !== undefined) printLine(done)
    } catch (error) {
      if (!(error instanceof BryoError)) throw error
      await printError(error, facts.env, facts.debug)
      exitCode = Math.max(exitCode, exitCodeOf(error))
    }
  }
  return exitCode
}

/** Of a removal, as Podman: 1 for what is not there, 2 for what is in use, which the code `inUse` says. */
export function removalExitCode(inUse: ErrorCode): (error: BryoError) => number {
  return ({ code }) => (code === 'NOT_FOUND' ? 1 : code === inUse ? 2 : 125)
}
