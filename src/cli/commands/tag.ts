import { tagImage } from '../../engine/image/tag.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'IMAGE NAME [NAME...]',
  description: 'Gives an image further names. A short name belongs to localhost/.',
  examples: ['tag alpine base:1', 'tag 3fd9065eaf02 registry.example.com/team/app:2.0'],
  flags: {},
  args: { min: 2, completion: { kind: 'names', of: ['images'] } },
  run: ({ args, context }) => {
    const [image = '', ...names] = args
    tagImage(engineOf(context), image, names)
    return 0
  },
})
