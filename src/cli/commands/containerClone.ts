import { BryoError } from '../../base/errors.ts'
import { cloneContainer } from '../../engine/container/clone.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { text, toggle } from '../flags/kinds.ts'
import { refused } from '../flags/refused.ts'
import { limitUpdate } from '../limits.ts'
import { REFUSED_LIMIT_FLAGS } from '../options/refused.ts'
import { LIMIT_FLAGS } from '../options/resources.ts'
import { printLine, printWarning } from '../output.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [NAME [IMAGE]]',
  description:
    'Makes a container with the settings of another one, and prints its id. Nothing that the other one wrote is copied; volumes with names are shared.',
  examples: ['container clone web', 'container clone --destroy --run web web2 nginx:1.27'],
  flags: {
    destroy: toggle({ help: 'Remove the container once its copy is there' }),
    force: toggle({ short: 'f', help: 'Remove it also where it runs (with --destroy)' }),
    name: text({ help: 'Name of the copy' }),
    run: toggle({ help: 'Start the copy in the background' }),
    ...LIMIT_FLAGS,
    ...REFUSED_LIMIT_FLAGS,
    pod: refused('there are no pods'),
  },
  args: { min: 1, max: 3, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args: [container = '', name, image], context }) => {
    if (flags.force && !flags.destroy) throw new BryoError('USAGE', 'cannot set --force without --destroy')
    if (flags.name !== undefined && name !== undefined && flags.name !== name) {
      throw new BryoError('USAGE', 'cannot use --name and a name behind the container together')
    }
    const engine = engineOf(context)
    const { destroy, force } = flags
    const id = await cloneContainer(
      engine,
      { container, name: flags.name ?? name, image, destroy, force, update: limitUpdate(flags) },
      {},
    )
    if (flags.run) {
      const { startInBackground } = await import('../../engine/container/run.ts')
      await startInBackground(engine, id, { onWarning: printWarning })
    }
    printLine(id)
    return 0
  },
})
