import { findLocalImage } from '../../engine/image/find.ts'
import { findManifestList } from '../../engine/registry/findManifestList.ts'
import { localName } from '../../engine/registry/localName.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'IMAGE',
  description:
    'Ends with 0 where the store has an image of this name or id, and with 1 where it has none; prints nothing.',
  examples: ['image exists alpine || bryo pull alpine'],
  flags: {},
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ args: [text = ''], context }) => {
    const engine = engineOf(context)
    const name = await localName(engine, text)
    return findLocalImage(engine.store, name) || findManifestList(engine.store, name) ? 0 : 1
  },
})
