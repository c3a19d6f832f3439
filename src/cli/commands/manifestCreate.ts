import { digestHex } from '../../base/digest.ts'
import { createManifestList, listDigest } from '../../engine/registry/manifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { MANIFEST_CREATE_FLAGS } from '../options/registry.ts'
import { printLine } from '../output.ts'
import { toRecord } from '../parse/keyValue.ts'
import { registrySettings } from '../registrySettings.ts'

export const command = defineCommand({
  usage: '[options] LIST [IMAGE...]',
  description: 'Makes a manifest list, which names images for several platforms, and prints its id.',
  examples: [
    'manifest create app:2',
    'manifest create app:2 registry.example.org/app:2-amd64 registry.example.org/app:2-arm64',
  ],
  flags: MANIFEST_CREATE_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args: [name = '', ...images], context }) => {
    const { all, amend } = flags
    const list = await createManifestList(engineOf(context), {
      name,
      images,
      all,
      amend,
      annotations: toRecord(flags.annotation),
      ...registrySettings(flags),
    })
    printLine(digestHex(listDigest(list)))
    return 0
  },
})
