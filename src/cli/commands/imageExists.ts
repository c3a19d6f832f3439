import { findLocalImage } from '../../engine/image/find.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'IMAGE',
  description:
    'Ends with 0 where the store has an image of this name or id, and with 1 where it has none; prints nothing.',
  examples: ['image exists alpine || bryo pull alpine'],
  flags: {},
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['images'] } },
  run: ({ args: [name = ''], context }) => (findLocalImage(engineOf(context).store, name) ? 0 : 1),
})
