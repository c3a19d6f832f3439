import { stopContainer } from '../../engine/container/stop.ts'
import { findContainer, requireContainer } from '../../storage/container/find.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { STOP_FLAGS } from '../options/life.ts'
import { printWarning } from '../output.ts'
import { selectedNames } from '../selection.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Asks containers to end by their stop signal, and kills those that have not ended in time. A restart policy then rests until they are started again.',
  examples: ['stop web', 'stop --time 2 web db', 'stop --all'],
  flags: STOP_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const { time: timeoutSeconds, signal } = flags
    return await forEachName(selectedNames(engine, flags, args, 'live'), context, (name) => {
      const record = flags.ignore ? findContainer(engine.store, name) : requireContainer(engine.store, name)
      if (!record) return undefined
      stopContainer(engine, record, { timeoutSeconds, signal, onWarning: printWarning })
      return name
    })
  },
})
