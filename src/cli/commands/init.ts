import { BryoError } from '../../base/errors.ts'
import { initializeContainer } from '../../engine/container/initialize.ts'
import { selectContainers } from '../../engine/container/select.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { INIT_FLAGS } from '../options/life.ts'
import { printWarning } from '../output.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Makes all of containers but their workloads: namespaces, root, network, ports. "start" then has only to let these run.',
  examples: ['init web', 'init --all'],
  flags: INIT_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const names = selectContainers(engine, { ...flags, names: args }, 'ended')
    return await forEachName(names, context, async (name) => {
      try {
        await initializeContainer(engine, name, { onWarning: printWarning })
        return name
      } catch (error) {
        // Somebody has started it meanwhile.
        if (flags.all && error instanceof BryoError && error.code === 'INVALID_STATE') return undefined
        throw error
      }
    })
  },
})
