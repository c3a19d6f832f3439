import { restartContainer } from '../../engine/container/restart.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { RESTART_FLAGS } from '../options/life.ts'
import { printWarning } from '../output.ts'
import { selectedNames } from '../selection.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Stops containers where they run, and starts them again in the background.',
  examples: ['restart web', 'restart --time 2 --all'],
  flags: RESTART_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const { time: timeoutSeconds, signal } = flags
    const selection = { ...flags, all: flags.all || flags.running }
    const names = selectedNames(engine, selection, args, flags.running ? 'up' : 'any')
    return await forEachName(names, context, async (name) => {
      const record = requireContainer(engine.store, name)
      await restartContainer(engine, record, { timeoutSeconds, signal, onWarning: printWarning })
      return name
    })
  },
})
