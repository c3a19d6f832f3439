import { digestHex } from '../../base/digest.ts'
import { addToManifestList, listDigest } from '../../engine/registry/manifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { listedChanges } from '../listedChanges.ts'
import { MANIFEST_ADD_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'
import { registrySettings } from '../registrySettings.ts'

export const command = defineCommand({
  usage: '[options] LIST IMAGE [IMAGE...]',
  description:
    'Adds images to a manifest list, of the store or of a registry, and prints the id of the list.',
  examples: [
    'manifest add app:2 localhost/app:arm',
    'manifest add --arch arm64 --variant v8 app:2 docker://registry.example.org/app:arm',
  ],
  flags: MANIFEST_ADD_FLAGS,
  args: { min: 2, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args: [list = '', ...images], context }) => {
    const engine = engineOf(context)
    const settings = registrySettings(flags)
    const changes = listedChanges(flags)
    for (const image of images) {
      const after = await addToManifestList(engine, { list, image, all: flags.all, changes, ...settings })
      printLine(digestHex(listDigest(after)))
    }
    return 0
  },
})
