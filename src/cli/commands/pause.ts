import { pauseContainer } from '../../engine/container/pause.ts'
import { type Command, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { PAUSE_FLAGS } from '../options/life.ts'
import { selectedNames } from '../selection.ts'

export const command = pauseCommand(
  'pause',
  'Stops all processes of running containers, to go on later. It takes a control group of the container, which is made on hosts with cgroup v2 and a session of systemd.',
)
export const unpause = pauseCommand('unpause', 'Lets paused containers go on.')

function pauseCommand(verb: 'pause' | 'unpause', description: string): Command {
  return defineCommand({
    usage: '[options] CONTAINER [CONTAINER...]',
    description,
    examples: [`${verb} web`],
    flags: PAUSE_FLAGS,
    args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
    run: async ({ flags, args, context }) => {
      const engine = engineOf(context)
      const which = verb === 'pause' ? 'running' : 'paused'
      const names = selectedNames(engine, flags, args, which)
      return await forEachName(names, context, (name) => pauseContainer(engine, name, verb))
    },
  })
}
