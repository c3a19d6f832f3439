import { BryoError } from '../base/errors.ts'
import { silentForks } from '../base/forkCount.ts'
import type { HostFacts } from '../base/hostFacts.ts'
import { VERSION } from '../base/version.ts'
import type { Command, CommandContext } from './command.ts'
import { type CommandEntry, ENTRIES, type Entry, findEntry, type GroupEntry } from './commandTable.ts'
import { foldFlags } from './flags/fold.ts'
import { type ScanResult, scanFlags } from './flags/scan.ts'
import { GLOBAL_FLAGS, globalOptions, ROOT_FLAGS } from './globalFlags.ts'
import { EXIT_OUTPUT_CLOSED, OutputClosed, printLine, writeOut } from './output.ts'
import { absoluteHostPath } from './parse/path.ts'

export interface ProgramCall {
  /** Without the runtime and the script. */
  readonly argv: readonly string[]
  /** The name that the user called. */
  readonly program: string
  readonly facts: HostFacts
}

/** Runs one command line and gives the exit code; what goes wrong is printed. */
export async function runProgram(call: ProgramCall): Promise<number> {
  try {
    if (call.program === 'bryo-oci') return await (await import('./oci/program.ts')).runOciProgram(call)
    return await dispatch(call)
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT_OUTPUT_CLOSED
    const { reportFailure } = await import('./report.ts')
    return await reportFailure(error, call)
  }
}

async function dispatch(call: ProgramCall): Promise<number> {
  const hint = seeHelp(call.program)
  const scan = scanFlags(call.argv, { flags: ROOT_FLAGS, interspersed: false, hint })
  const flags = foldFlags(ROOT_FLAGS, scan.occurrences, hint)
  if (flags.version) {
    printLine(`${call.program} version ${VERSION}`)
    return 0
  }
  const [name, ...rest] = scan.args
  if (name === 'help') return await printHelpOf(call, rest)
  if (flags.help) return await printHelpOf(call, scan.args)
  if (name === '__complete' || name === '__completeNoDesc') {
    const { complete } = await import('./completion/complete.ts')
    return await complete(rest, { ...call, descriptions: name === '__complete' })
  }
  if (name === '__remove' || name === '__restart') {
    const { resumeMonitor } = await import('./resumeMonitor.ts')
    const global = globalOptions(foldFlags(GLOBAL_FLAGS, scan.occurrences, hint))
    return await resumeMonitor(name, rest, { program: call.program, facts: call.facts, global })
  }
  if (name === undefined) return await refuseMissing(call, undefined)
  return await runEntry(call, findOrFail(call, [name]), scan, rest)
}

async function runEntry(
  call: ProgramCall,
  found: Entry,
  rootScan: ScanResult,
  rest: readonly string[],
): Promise<number> {
  if (found.kind === 'command') {
    return await runCommand(call, { entry: found, path: found.name, rootScan }, rest)
  }
  const hint = seeHelp(call.program, found.name)
  const scan = scanFlags(rest, { flags: GLOBAL_FLAGS, interspersed: false, hint })
  const [name, ...args] = scan.args
  if (scan.help || name === 'help') return await printHelpOf(call, [found.name, ...(scan.help ? [] : args)])
  if (name === undefined) return await refuseMissing(call, found)
  const entry = findOrFail(call, [found.name, name])
  if (entry.kind === 'group') throw unknownCommand(call, [found.name, name])
  const occurrences = [...rootScan.occurrences, ...scan.occurrences]
  const path = `${found.name} ${name}`
  return await runCommand(call, { entry, path, rootScan: { ...rootScan, occurrences } }, args)
}

interface Called {
  readonly entry: CommandEntry
  /** As the user called it: `image rm`. */
  readonly path: string
  readonly rootScan: ScanResult
}

async function runCommand(call: ProgramCall, called: Called, argv: readonly string[]): Promise<number> {
  const { entry, path, rootScan } = called
  const command = await entry.load()
  const hint = seeHelp(call.program, path)
  if (command.ownProgram) {
    if (rootScan.occurrences.length > 0) {
      throw new BryoError('USAGE', `options of ${path} stand behind its name`, { hint })
    }
    return await command.ownProgram({ argv, program: `${call.program} ${path}`, facts: call.facts })
  }
  const flags = { ...GLOBAL_FLAGS, ...command.flags }
  const { interspersed = true } = command
  const scan = scanFlags(argv, { flags, interspersed, hint })
  if (scan.help) {
    const { commandHelp } = await import('./help.ts')
    writeOut(commandHelp({ program: call.program, path, summary: entry.summary }, command))
    return 0
  }
  const globals = [
    ...rootScan.occurrences,
    ...scan.occurrences.filter(({ name }) => !Object.hasOwn(command.flags, name)),
  ]
  const global = globalOptions(foldFlags(GLOBAL_FLAGS, globals, hint))
  const context: CommandContext = {
    program: call.program,
    facts: withGlobals(call.facts, { ...global, config: configDirectory(rootScan) }),
    global,
  }
  const fold: Parameters<Command['invoke']>[0] = (table) => foldFlags(table, scan.occurrences, hint)
  const exitCode = await command.invoke(
    fold,
    checkArguments(command, scan.args, `${call.program} ${path}`, hint),
    context,
  )
  if (silentForks() > 0) {
    const { noteSilentForks } = await import('./silentForks.ts')
    noteSilentForks(context, silentForks())
  }
  return exitCode
}

function configDirectory({ occurrences }: ScanResult): string | undefined {
  return occurrences.findLast(({ name }) => name === 'config')?.text
}

/** `--tmpdir` is TMPDIR for whatever runs below, `--config` DOCKER_CONFIG; and debugging is a fact too. */
function withGlobals(
  facts: HostFacts,
  global: CommandContext['global'] & { readonly config: string | undefined },
): HostFacts {
  const { config, tmpdir } = global
  const debug = facts.debug || ['debug', 'trace'].includes(global.logLevel)
  if ((config ?? tmpdir) === undefined) return { ...facts, debug }
  const env = {
    ...facts.env,
    ...(tmpdir !== undefined && { TMPDIR: tmpdir }),
    ...(config !== undefined && {
      DOCKER_CONFIG: absoluteHostPath(config, facts.cwd),
      REGISTRY_AUTH_FILE: undefined,
    }),
  }
  return { ...facts, env, debug }
}

function checkArguments(
  command: Pick<Command, 'args'>,
  args: readonly string[],
  path: string,
  hint: string,
): readonly string[] {
  const { min, max, missing } = command.args
  const fail = (message: string): never => {
    throw new BryoError('USAGE', message, { hint })
  }
  if (args.length < min) fail(missing ?? `requires at least ${min} arg(s), only received ${args.length}`)
  if (max === 0 && args.length > 0) fail(`\`${path}\` takes no arguments`)
  if (max !== undefined && args.length > max) fail(`accepts at most ${max} arg(s), received ${args.length}`)
  return args
}

function seeHelp(program: string, path = ''): string {
  return `See '${[program, path, '--help'].filter((word) => word !== '').join(' ')}'`
}

async function printHelpOf(call: ProgramCall, path: readonly string[]): Promise<number> {
  const { commandHelp, groupHelp, rootHelp } = await import('./help.ts')
  if (path.length === 0) {
    writeOut(rootHelp(call.program))
    return 0
  }
  const found = findOrFail(call, path.slice(0, 2))
  const name =
    found.kind === 'group' || findEntry(path.slice(0, 1)) === found ? found.name : path.slice(0, 2).join(' ')
  writeOut(
    found.kind === 'group'
      ? groupHelp(call.program, found)
      : commandHelp({ program: call.program, path: name, summary: found.summary }, await found.load()),
  )
  return 0
}

/** The program or a group alone: its help, and the word that something is missing. */
async function refuseMissing(call: ProgramCall, group: GroupEntry | undefined): Promise<number> {
  const { groupHelp, rootHelp } = await import('./help.ts')
  writeOut(group ? groupHelp(call.program, group) : rootHelp(call.program))
  const path = group ? `${call.program} ${group.name}` : call.program
  throw new BryoError('USAGE', `missing command '${path} COMMAND'`)
}

function findOrFail(call: ProgramCall, path: readonly string[]): Entry {
  const found = findEntry(path)
  if (!found) throw unknownCommand(call, path)
  return found
}

function unknownCommand(call: ProgramCall, path: readonly string[]): BryoError {
  const group = path.slice(0, -1)
  const parent = group.length === 0 ? undefined : findEntry(group)
  const siblings: readonly Entry[] = parent?.kind === 'group' ? parent.commands : ENTRIES
  const typed = path.at(-1) ?? ''
  const similar = siblings.map(({ name }) => name).filter((name) => isSimilar(name, typed))
  const help = [call.program, ...group, '--help'].join(' ')
  const guess = similar.length === 0 ? '' : `did you mean ${similar.join(' or ')}? `
  return new BryoError('USAGE', `unrecognized command \`${[call.program, ...path].join(' ')}\``, {
    hint: `${guess}Try '${help}' for more information`,
  })
}

/** One letter missing, added, changed or swapped with its neighbour, or the beginning of the name. */
function isSimilar(name: string, typed: string): boolean {
  if (typed.length < 2) return false
  if (name.startsWith(typed)) return true
  const shorter = Math.min(name.length, typed.length)
  let head = 0
  while (head < shorter && name[head] === typed[head]) head++
  let tail = 0
  while (tail < shorter - head && name.at(-1 - tail) === typed.at(-1 - tail)) tail++
  const [left, right] = [name.slice(head, name.length - tail), typed.slice(head, typed.length - tail)]
  if (left.length <= 1 && right.length <= 1) return true
  return left.length === 2 && right === `${left[1]}${left[0]}`
}
