import { pauseContainer } from '../../engine/container/pause.ts'
import { selectContainers } from '../../engine/container/select.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { PAUSE_FLAGS } from '../options/life.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Lets paused containers go on.',
  examples: ['unpause web'],
  flags: PAUSE_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const names = selectContainers(engine, { ...flags, names: args }, 'up')
    return await forEachName(names, context, (name) => pauseContainer(engine, name, 'unpause'))
  },
})
