import { BryoError } from '../../base/errors.ts'
import { startExisting } from '../../engine/container/run.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { START_FLAGS } from '../options/containers.ts'
import { printWarning } from '../output.ts'

export const command = defineCommand({
  usage: '--attach [options] CONTAINER',
  description:
    'Starts a container that create or an earlier run has made, in the foreground. The exit code is as with run.',
  examples: ['start --attach web', 'start -ai shell'],
  flags: START_FLAGS,
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    if (!flags.attach && !flags.interactive) {
      throw new BryoError('UNSUPPORTED', 'cannot start a container in the background: not supported yet', {
        hint: `${context.program} start --attach ${args[0]}`,
      })
    }
    return await startExisting(engineOf(context), args[0] ?? '', {
      signalProxy: flags.sigProxy,
      interactive: flags.interactive,
      onWarning: printWarning,
    })
  },
})
