import { digestHex } from '../../base/digest.ts'
import { annotateManifestList, listDigest } from '../../engine/registry/manifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { listedChanges } from '../listedChanges.ts'
import { MANIFEST_ANNOTATE_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'

export const command = defineCommand({
  usage: '[options] LIST DIGEST|IMAGE',
  description: 'Changes what a manifest list says of one of its images, and prints the id of the list.',
  examples: ['manifest annotate --arch arm --variant v7 app:2 localhost/app:arm'],
  flags: MANIFEST_ANNOTATE_FLAGS,
  args: { min: 2, max: 2, completion: { kind: 'names', of: ['images'] } },
  run: ({ flags, args: [list = '', which = ''], context }) => {
    const after = annotateManifestList(engineOf(context), list, { which, changes: listedChanges(flags) })
    printLine(digestHex(listDigest(after)))
    return 0
  },
})
