import type { HostFacts } from '../base/hostFacts.ts'
import type { Completion, FlagTable, FlagValues } from './flags/flag.ts'

/** What a command knows beside its own arguments. */
export interface CommandContext {
  /** The name that the user called: `bryo`, or `docker` by an alias. */
  readonly program: string
  readonly facts: HostFacts
  readonly global: GlobalOptions
}

/** Flags that stand before or behind any command. */
export interface GlobalOptions {
  readonly root: string | undefined
  readonly runroot: string | undefined
  readonly tmpdir: string | undefined
  readonly storageDriver: string | undefined
  /** Directories of `--storage-opt additionalimagestore=DIR`. */
  readonly additionalStores: readonly string[]
  /** A store that has to be made is one for other users to read. */
  readonly sharedStore: boolean
  readonly logLevel: LogLevel
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'panic'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface Invocation<F extends FlagTable> {
  readonly flags: FlagValues<F>
  readonly args: readonly string[]
  readonly context: CommandContext
}

export interface ArgumentRule {
  readonly min: number
  /** Unlimited where absent. */
  readonly max?: number
  readonly completion?: Completion
  /** Says it better than `requires at least 1 arg(s), only received 0`. */
  readonly missing?: string
}

export interface OwnProgramCall {
  readonly argv: readonly string[]
  /** As the user called it: `bryo oci-runtime`. */
  readonly program: string
  readonly facts: HostFacts
}

/** All that one command file says about its command. */
export interface CommandSpec<F extends FlagTable> {
  /** Behind the command's name: `[options] IMAGE [COMMAND [ARG...]]`. */
  readonly usage: string
  /** A sentence or a few. */
  readonly description: string
  /** Command lines without the program's name. */
  readonly examples?: readonly string[]
  readonly flags: F
  readonly args: ArgumentRule
  /** False where everything from the first argument on belongs to the container's command. */
  readonly interspersed?: boolean
  /** A program of its own below this name: it reads its arguments itself, and `run` is not called. */
  readonly ownProgram?: (call: OwnProgramCall) => Promise<number>
  /** Gives the exit code. */
  readonly run: (invocation: Invocation<F>) => number | Promise<number>
}

/** A command whose flag types are closed over, so that commands can be kept in one table. */
export interface Command extends Omit<CommandSpec<FlagTable>, 'run'> {
  readonly invoke: (
    fold: <F extends FlagTable>(flags: F) => FlagValues<F>,
    args: readonly string[],
    context: CommandContext,
  ) => number | Promise<number>
}

export function defineCommand<const F extends FlagTable>(spec: CommandSpec<F>): Command {
  const { run, ...rest } = spec
  return { ...rest, invoke: (fold, args, context) => run({ flags: fold(spec.flags), args, context }) }
}
