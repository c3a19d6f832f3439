import { listDigest, removeFromManifestList } from '../../engine/registry/manifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { printLine } from '../output.ts'

export const command = defineCommand({
  usage: 'LIST DIGEST|IMAGE',
  description: 'Takes an image out of a manifest list, and prints the id of the list.',
  examples: ['manifest remove app:2 localhost/app:arm'],
  flags: {},
  args: { min: 2, max: 2 },
  run: ({ args: [list = '', which = ''], context }) => {
    printLine(listDigest(removeFromManifestList(engineOf(context), list, which)).slice('sha256:'.length))
    return 0
  },
})
