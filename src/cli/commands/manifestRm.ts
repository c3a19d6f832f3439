import { digestHex } from '../../base/digest.ts'
import { listDigest, removeManifestList } from '../../engine/registry/manifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { printLine } from '../output.ts'

export const command = defineCommand({
  usage: 'LIST [LIST...]',
  description: 'Removes manifest lists; the images stay.',
  examples: ['manifest rm app:2'],
  flags: {},
  args: { min: 1 },
  run: ({ args, context }) => {
    const engine = engineOf(context)
    for (const name of args) {
      const list = removeManifestList(engine, name)
      printLine(`Untagged: ${list.name}`)
      printLine(`Deleted: ${digestHex(listDigest(list))}`)
    }
    return 0
  },
})
