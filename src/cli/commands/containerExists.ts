import { findContainer } from '../../storage/container/find.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { toggle } from '../flags/kinds.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description:
    'Ends with 0 where there is a container of this name or id, and with 1 where there is none; prints nothing.',
  examples: ['container exists web'],
  flags: { external: toggle({ help: 'Look for containers of other programs too: the store has none' }) },
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: ({ args: [name = ''], context }) => (findContainer(engineOf(context).store, name) ? 0 : 1),
})
