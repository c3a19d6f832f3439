import { cleanUpContainer } from '../../engine/container/cleanup.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName } from '../forEach.ts'
import { CLEANUP_FLAGS } from '../options/life.ts'
import { selectedNames } from '../selection.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Removes what containers that have ended needed only while they ran. Nobody has to call it: each start and each removal does the same.',
  examples: ['container cleanup web', 'container cleanup --all --rm'],
  flags: CLEANUP_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const names = selectedNames(engine, flags, args, flags.all ? 'ended' : 'any')
    return await forEachName(names, context, async (name) => {
      await cleanUpContainer(engine, name, { remove: flags.rm, removeImage: flags.rmi })
      return name
    })
  },
})
