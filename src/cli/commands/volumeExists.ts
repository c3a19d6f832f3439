import { volumeExists } from '../../engine/volume/list.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'VOLUME',
  description:
    'Ends with 0 where there is a volume of this name, and with 1 where there is none; prints nothing.',
  examples: ['volume exists data'],
  flags: {},
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['volumes'] } },
  run: ({ args: [name = ''], context }) => (volumeExists(engineOf(context), name) ? 0 : 1),
})
