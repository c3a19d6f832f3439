import { resolve } from 'node:path'
import { BryoError, firstCause, messageOf } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import { VERSION } from '../../base/version.ts'
import { openStateRoot } from '../../engine/oci/stateRoot.ts'
import type { FlagTable, FlagValues } from '../flags/flag.ts'
import { foldFlags } from '../flags/fold.ts'
import { flagLines } from '../flags/lines.ts'
import { scanFlags } from '../flags/scan.ts'
import { OutputClosed, printLine, writeOut } from '../output.ts'
import { errorLines } from '../report.ts'
import type { OciCommand } from './command.ts'
import { createCommand } from './commands/create.ts'
import { deleteCommand } from './commands/delete.ts'
import { eventsCommand } from './commands/events.ts'
import { execCommand } from './commands/exec.ts'
import { featuresCommand } from './commands/features.ts'
import { killCommand } from './commands/kill.ts'
import { listCommand } from './commands/list.ts'
import { pauseCommand } from './commands/pause.ts'
import { psCommand } from './commands/ps.ts'
import { resumeCommand } from './commands/resume.ts'
import { runCommand } from './commands/run.ts'
import { specCommand } from './commands/spec.ts'
import { startCommand } from './commands/start.ts'
import { stateCommand } from './commands/state.ts'
import { updateCommand } from './commands/update.ts'
import { OCI_GLOBAL_FLAGS } from './flags.ts'
import { type OciLog, openLog } from './log.ts'
import { SPEC_VERSION } from './specVersion.ts'

const COMMANDS: readonly OciCommand[] = [
  ...[createCommand, deleteCommand, eventsCommand, execCommand, featuresCommand, killCommand, listCommand],
  ...[pauseCommand, psCommand, resumeCommand, runCommand, specCommand, startCommand, stateCommand],
  updateCommand,
]

/** Levels that leave warnings out. */
const ERRORS: readonly string[] = ['error', 'fatal', 'panic']

/** What runtimes end with where they fail; a container's own exit code is given by `run` and `exec` alone. */
const EXIT_FAILED = 1

export interface OciCall {
  /** Behind the program's name, or `oci-runtime`. */
  readonly argv: readonly string[]
  /** `bryo-oci` or `bryo oci-runtime`. */
  readonly program: string
  readonly facts: HostFacts
}

/** Runs one command line of the OCI runtime and gives the exit code; what goes wrong is logged. */
export async function runOciProgram(call: OciCall): Promise<number> {
  const state: { log: OciLog; debug: boolean } = {
    log: openLog({ file: undefined, format: 'text', errorsOnly: false }),
    debug: call.facts.debug,
  }
  try {
    const hint = `See '${call.program} --help'`
    const scan = scanFlags(call.argv, { flags: OCI_GLOBAL_FLAGS, interspersed: false, hint })
    const flags = foldFlags(OCI_GLOBAL_FLAGS, scan.occurrences, hint)
    const file = flags.log && resolve(call.facts.cwd, flags.log)
    state.log = openLog({ file, format: flags.logFormat, errorsOnly: ERRORS.includes(flags.logLevel) })
    state.debug ||= flags.debug
    return await dispatch(call, { flags, args: scan.args, log: state.log })
  } catch (thrown) {
    if (thrown instanceof OutputClosed) return EXIT_FAILED
    const error = firstCause(thrown)
    state.log.write('error', describe(error, state.debug))
    return EXIT_FAILED
  }
}

function describe(error: unknown, debug: boolean): string {
  const [, ...rest] = errorLines(error, { label: '', debug })
  return [messageOf(error), ...rest].join('\n')
}

interface Dispatch {
  readonly flags: FlagValues<typeof OCI_GLOBAL_FLAGS>
  readonly args: readonly string[]
  readonly log: OciLog
}

async function dispatch(call: OciCall, { flags, args, log }: Dispatch): Promise<number> {
  if (flags.version) {
    printLine(`${call.program} version ${VERSION}\nspec: ${SPEC_VERSION}`)
    return 0
  }
  const [name, ...rest] = args
  if (flags.help || name === 'help' || name === undefined) {
    writeOut(programHelp(call.program))
    if (flags.help || name === 'help') return 0
    throw new BryoError('USAGE', `missing command '${call.program} COMMAND'`)
  }
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (!command) throw new BryoError('USAGE', `unrecognized command \`${call.program} ${name.slice(0, 64)}\``)
  const hint = `See '${call.program} ${name} --help'`
  const { interspersed = true } = command
  const scan = scanFlags(rest, { flags: command.flags, interspersed, hint })
  if (scan.help) {
    writeOut(commandHelp(call.program, command))
    return 0
  }
  checkArguments(command, scan.args, hint)
  const fold = <F extends FlagTable>(table: F) => foldFlags(table, scan.occurrences, hint)
  const facts = { ...call.facts, debug: call.facts.debug || flags.debug }
  const caller = {
    facts,
    stateRoot: needsState(command) ? openStateRoot(facts, flags.root) : '',
    cgroupManager: managerOf(flags),
    onWarning: (text: string) => log.write('warning', text),
  }
  return await command.invoke(fold, scan.args, caller)
}

function managerOf({ systemdCgroup, cgroupManager }: FlagValues<typeof OCI_GLOBAL_FLAGS>) {
  if (systemdCgroup) return 'systemd'
  return cgroupManager === 'disabled' ? undefined : cgroupManager
}

function needsState(command: OciCommand): boolean {
  return command !== specCommand && command !== featuresCommand
}

function checkArguments({ args }: OciCommand, given: readonly string[], hint: string): void {
  if (given.length < args.min) {
    throw new BryoError('USAGE', `requires at least ${args.min} arg(s), only received ${given.length}`, {
      hint,
    })
  }
  if (args.max !== undefined && given.length > args.max) {
    throw new BryoError('USAGE', `accepts at most ${args.max} arg(s), received ${given.length}`, { hint })
  }
}

function programHelp(program: string): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length))
  return [
    'Runs containers of OCI bundles without root, for other engines',
    '',
    `Usage:\n  ${program} [options] COMMAND`,
    '',
    `Commands:\n${COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}`,
    '',
    `Options:\n${flagLines(OCI_GLOBAL_FLAGS)
      .map((line) => `  ${line}`)
      .join('\n')}`,
    '',
  ].join('\n')
}

function commandHelp(program: string, { name, usage, summary, flags }: OciCommand): string {
  const options =
    Object.keys(flags).length === 0
      ? ''
      : `\nOptions:\n${flagLines(flags)
          .map((line) => `  ${line}`)
          .join('\n')}\n`
  return `${summary}\n\nUsage:\n  ${program} ${name} ${usage}\n${options}`
}
