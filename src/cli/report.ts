import { BryoError, exitCodeOf, firstCause, isErrno, messageOf } from '../base/errors.ts'
import type { HostFacts } from '../base/hostFacts.ts'
import { writeErr } from './output.ts'
import { wantsColour } from './terminal.ts'

const STDERR = 2

/** Prints what went wrong; gives the exit code. Debugging shows where it happened. */
export async function reportFailure(
  thrown: unknown,
  call: { readonly argv: readonly string[]; readonly facts: HostFacts },
): Promise<number> {
  const error = firstCause(thrown)
  await printError(error, call.facts.env, call.facts.debug || asksForDebug(call.argv))
  return exitCodeOf(error)
}

/** The command line may be what is wrong, so it is not parsed here. */
function asksForDebug(argv: readonly string[]): boolean {
  return /(?:^|\0)(?:--debug|--log-level(?:=|\0)(?:debug|trace))(?:\0|$)/.test(argv.join('\0'))
}

/**
 * Prints `Error: message` and the hint on a line of its own. An error that is nobody's mistake but bryo's own
 * gets its stack where debugging was asked for.
 */
export async function printError(error: unknown, env: HostFacts['env'], debug: boolean): Promise<void> {
  const label = (await wantsColour(STDERR, env)) ? await redLabel() : 'Error:'
  writeErr(`${errorLines(error, { label, debug }).join('\n')}\n`)
}

async function redLabel(): Promise<string> {
  const { Chalk } = await import('chalk')
  return new Chalk({ level: 1 }).red('Error:')
}

/** The lines of {@link printError}. */
export function errorLines(
  error: unknown,
  options: { readonly label: string; readonly debug: boolean },
): readonly string[] {
  const lines = [`${options.label} ${printable(messageOf(error))}`]
  if (error instanceof BryoError) {
    if (error.hint !== undefined && error.hint !== '') lines.push(printable(error.hint))
  } else if (!options.debug && !isErrno(error, 'ENOSPC', 'EDQUOT', 'EIO')) {
    lines.push('this is a fault of bryo itself; BRYO_DEBUG=1 shows where it happened')
  }
  if (!options.debug) return lines
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 8; depth++) {
    const heading = depth === 0 ? '' : `caused by ${cause.name}: ${cause.message}\n`
    lines.push(printable(`${heading}${cause.stack ?? ''}`))
    cause = cause.cause
  }
  return lines
}

/** Names and file contents end up in messages: escape sequences in them must not reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
