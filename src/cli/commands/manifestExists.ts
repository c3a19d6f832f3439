import { findManifestList } from '../../engine/registry/findManifestList.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'

export const command = defineCommand({
  usage: 'LIST',
  description:
    'Ends with 0 where the store has a manifest list of this name, and with 1 where not; prints nothing.',
  examples: ['manifest exists app:2 || bryo manifest create app:2'],
  flags: {},
  args: { min: 1, max: 1 },
  run: ({ args: [name = ''], context }) => (findManifestList(engineOf(context).store, name) ? 0 : 1),
})
