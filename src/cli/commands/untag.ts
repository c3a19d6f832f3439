import { untagImage } from '../../engine/image/tag.ts'
import { localName } from '../../engine/registry/localName.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'IMAGE [NAME...]',
  description: 'Takes names from an image, all of them where none is given. The image itself stays.',
  examples: ['untag base:1', 'untag alpine base:1 base:2'],
  flags: {},
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ args, context }) => {
    const engine = engineOf(context)
    const [image = '', ...names] = await Promise.all(args.map((name) => localName(engine, name)))
    untagImage(engine, image, names)
    return 0
  },
})
