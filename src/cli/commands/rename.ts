import { renameByName } from '../../engine/container/rename.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'CONTAINER NAME',
  description: 'Gives a container another name, whether it runs or not. Its host name stays.',
  examples: ['rename web old-web'],
  flags: {},
  args: { min: 2, max: 2, completion: { kind: 'names', of: ['containers'] } },
  run: ({ args: [oldName = '', newName = ''], context }) => {
    renameByName(engineOf(context), oldName, newName)
    return 0
  },
})
