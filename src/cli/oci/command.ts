import type { OciCaller } from '../../engine/oci/create.ts'
import type { FlagTable, FlagValues } from '../flags/flag.ts'

export interface OciInvocation<F extends FlagTable> {
  readonly flags: FlagValues<F>
  readonly args: readonly string[]
  readonly caller: OciCaller
}

/** All that one file says about its command of `oci-runtime`. */
export interface OciCommandSpec<F extends FlagTable> {
  readonly name: string
  /** Behind the command's name. */
  readonly usage: string
  /** One line, no full stop. */
  readonly summary: string
  readonly flags: F
  readonly args: { readonly min: number; readonly max?: number }
  /** False where everything from the first argument on belongs to a program. */
  readonly interspersed?: boolean
  /** Gives the exit code. */
  readonly run: (invocation: OciInvocation<F>) => number | Promise<number>
}

/** A command whose flag types are closed over. */
export interface OciCommand extends Omit<OciCommandSpec<FlagTable>, 'run'> {
  readonly invoke: (
    fold: <F extends FlagTable>(flags: F) => FlagValues<F>,
    args: readonly string[],
    caller: OciCaller,
  ) => number | Promise<number>
}

export function defineOciCommand<const F extends FlagTable>(spec: OciCommandSpec<F>): OciCommand {
  const { run, ...rest } = spec
  return { ...rest, invoke: (fold, args, caller) => run({ flags: fold(spec.flags), args, caller }) }
}
