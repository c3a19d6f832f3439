import { inspectManifest } from '../../engine/registry/manifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { MANIFEST_INSPECT_FLAGS } from '../options/registry.ts'
import { writeOut } from '../output.ts'
import { registrySettings } from '../registrySettings.ts'

export const command = defineCommand({
  usage: '[options] LIST|IMAGE',
  description: 'Shows a manifest list of the store, or what a registry has under a name, as JSON.',
  examples: ['manifest inspect app:2', 'manifest inspect docker://alpine'],
  flags: MANIFEST_INSPECT_FLAGS,
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [name = ''], context }) => {
    const document = await inspectManifest(engineOf(context), name, registrySettings(flags))
    writeOut(`${JSON.stringify(document, null, 4)}\n`)
    return 0
  },
})
