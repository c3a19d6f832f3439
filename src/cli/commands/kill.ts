import { selectContainers } from '../../engine/container/select.ts'
import { killContainer } from '../../engine/container/stop.ts'
import { readCidfiles } from '../cidfile.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { KILL_FLAGS } from '../options/life.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Sends a signal to the first process of running containers: KILL, or another one.',
  examples: ['kill web', 'kill --signal HUP web'],
  flags: KILL_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const selection = { ...flags, names: [...args, ...readCidfiles(flags.cidfile)] }
    return await forEachName(selectContainers(engine, selection, 'up'), context, (name) => {
      killContainer(engine, name, flags.signal ?? 'SIGKILL')
      return name
    })
  },
})
