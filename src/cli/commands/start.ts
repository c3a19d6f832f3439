import { BryoError } from '../../base/errors.ts'
import { startExisting, startInBackground } from '../../engine/container/run.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { DETACH_KEYS } from '../options/attach.ts'
import { START_FLAGS } from '../options/containers.ts'
import { printWarning } from '../output.ts'
import { selectedNames } from '../selection.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Starts containers that exist, in the background; with --attach one in the foreground, whose exit code is as with run.',
  examples: ['start web', 'start --attach web', 'start -ai shell'],
  flags: START_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const names = selectedNames(engine, flags, args, 'any')
    const { interactive, sigProxy: signalProxy } = flags
    if (!flags.attach && !interactive) {
      return await forEachName(names, context, async (name) => {
        await startInBackground(engine, name, { onWarning: printWarning })
        return name
      })
    }
    const [name = ''] = names
    if (names.length > 1)
      throw new BryoError('USAGE', 'you cannot start and attach multiple containers at once')
    const end = await startExisting(engine, name, {
      signalProxy,
      interactive,
      onWarning: printWarning,
      attach: { interactive, signalProxy, detachKeys: flags.detachKeys ?? DETACH_KEYS },
    })
    return end.kind === 'exited' ? end.exitCode : 0
  },
})
