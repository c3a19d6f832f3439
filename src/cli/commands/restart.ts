import { requireContainer } from '../../engine/container/find.ts'
import { startExisting } from '../../engine/container/run.ts'
import { selectContainers } from '../../engine/container/select.ts'
import { stopContainer } from '../../engine/container/stop.ts'
import { readCidfiles } from '../cidfile.ts'
import { defineCommand } from '../command.ts'
import { readContainerFilters } from '../containerFilters.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { RESTART_FLAGS } from '../options/life.ts'
import { printWarning } from '../output.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Stops containers where they run, and starts them again in the background.',
  examples: ['restart web', 'restart --time 2 --all'],
  flags: RESTART_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const selection = {
      ...flags,
      filter: readContainerFilters(flags.filter),
      all: flags.all || flags.running,
      names: [...args, ...readCidfiles(flags.cidfile)],
    }
    const names = selectContainers(engine, selection, flags.running ? 'up' : 'any')
    return await forEachName(names, context, async (name) => {
      const record = requireContainer(engine, name)
      stopContainer(engine, record, { timeoutSeconds: flags.time, onWarning: printWarning })
      await startExisting(engine, record.id, {
        signalProxy: false,
        interactive: false,
        onWarning: printWarning,
        attach: undefined,
      })
      return name
    })
  },
})
