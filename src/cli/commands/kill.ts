import { killContainer } from '../../engine/container/stop.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { KILL_FLAGS } from '../options/life.ts'
import { selectedNames } from '../selection.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description: 'Sends a signal to the first process of running containers: KILL, or another one.',
  examples: ['kill web', 'kill --signal HUP web'],
  flags: KILL_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    return await forEachName(selectedNames(engine, flags, args, 'up'), context, (name) => {
      killContainer(engine, name, flags.signal ?? 'SIGKILL')
      return name
    })
  },
})
