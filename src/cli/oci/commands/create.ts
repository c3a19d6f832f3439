import { BryoError } from '../../../base/errors.ts'
import type { HostFacts } from '../../../base/hostFacts.ts'
import { type CreateOptions, createFromBundle } from '../../../engine/oci/create.ts'
import type { FlagValues } from '../../flags/flag.ts'
import { defineOciCommand } from '../command.ts'
import { CREATE_FLAGS } from '../flags.ts'

export const createCommand = defineOciCommand({
  name: 'create',
  usage: '[options] ID',
  summary: 'Create a container from a bundle, without starting its program',
  flags: CREATE_FLAGS,
  args: { min: 1, max: 1 },
  run: async ({ flags, args, caller }) => {
    await createFromBundle(
      caller,
      createOptions(flags, { id: args[0] ?? '', foreground: false }, caller.facts),
    )
    return 0
  },
})

/** @throws BryoError UNSUPPORTED for `--no-pivot` */
export function createOptions(
  flags: FlagValues<typeof CREATE_FLAGS>,
  { id, foreground }: Pick<CreateOptions, 'id' | 'foreground'>,
  { env }: HostFacts,
): CreateOptions {
  if (flags.noPivot) {
    throw new BryoError(
      'UNSUPPORTED',
      'cannot use --no-pivot: without pivot_root the host would stay in reach',
    )
  }
  return {
    id,
    foreground,
    bundle: flags.bundle,
    pidFile: flags.pidFile,
    consoleSocket: flags.consoleSocket,
    preservedFds: (flags.preserveFds ?? 0) + socketsOf(env.LISTEN_FDS),
  }
}

/** Descriptors of socket activation are passed on. @see sd_listen_fds(3) */
function socketsOf(count: string | undefined): number {
  return count !== undefined && /^\d{1,4}$/.test(count) ? Number(count) : 0
}
