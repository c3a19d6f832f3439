import { findContainer, requireContainer } from '../../engine/container/find.ts'
import { selectContainers } from '../../engine/container/select.ts'
import { stopContainer } from '../../engine/container/stop.ts'
import { readCidfiles } from '../cidfile.ts'
import { defineCommand } from '../command.ts'
import { readContainerFilters } from '../containerFilters.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { STOP_FLAGS } from '../options/life.ts'
import { printWarning } from '../output.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Asks containers to end by their stop signal, and kills those that have not ended in time. A restart policy then rests until they are started again.',
  examples: ['stop web', 'stop --time 2 web db', 'stop --all'],
  flags: STOP_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const selection = {
      ...flags,
      filter: readContainerFilters(flags.filter),
      names: [...args, ...readCidfiles(flags.cidfile)],
    }
    return await forEachName(selectContainers(engine, selection, 'live'), context, (name) => {
      const record = flags.ignore ? findContainer(engine, name) : requireContainer(engine, name)
      if (!record) return undefined
      stopContainer(engine, record, { timeoutSeconds: flags.time, onWarning: printWarning })
      return name
    })
  },
})
