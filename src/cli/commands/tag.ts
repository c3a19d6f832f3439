import { findLocalImage } from '../../engine/image/find.ts'
import { tagImage } from '../../engine/image/tag.ts'
import { findManifestList } from '../../engine/registry/findManifestList.ts'
import { localName } from '../../engine/registry/localName.ts'
import { copyManifestList } from '../../engine/registry/manifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'IMAGE NAME [NAME...]',
  description: 'Gives an image or a manifest list further names. A short name belongs to localhost/.',
  examples: ['tag alpine base:1', 'tag 3fd9065eaf02 registry.example.com/team/app:2.0'],
  flags: {},
  args: { min: 2, completion: { kind: 'names', of: ['images'] } },
  run: async ({ args, context }) => {
    const engine = engineOf(context)
    const [image = '', ...names] = args
    const name = await localName(engine, image)
    if (findLocalImage(engine.store, name) || !findManifestList(engine.store, name))
      tagImage(engine, name, names)
    else copyManifestList(engine, name, names)
    return 0
  },
})
