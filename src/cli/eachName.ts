import { BryoError } from '../base/errors.ts'
import type { CommandContext } from './command.ts'
import { printError } from './report.ts'

/**
 * Does the same for each name, also where another one fails; prints each failure.
 * @param exitCodeFor 125 for every failure by default
 * @returns the greatest exit code
 */
export async function eachName(
  names: readonly string[],
  context: CommandContext,
  act: (name: string) => void | Promise<void>,
  exitCodeFor: (error: BryoError) => number = () => 125,
): Promise<number> {
  let exitCode = 0
  for (const name of names) {
    try {
      await act(name)
    } catch (error) {
      if (!(error instanceof BryoError)) throw error
      await printError(error, context.facts.env, context.facts.debug)
      exitCode = Math.max(exitCode, exitCodeFor(error))
    }
  }
  return exitCode
}

/** As Podman: 1 for what is not there, 2 for what is in use. */
export function removalExitCode({ code }: BryoError): number {
  if (code === 'NOT_FOUND') return 1
  return code === 'IN_USE' ? 2 : 125
}
