import { importVolume } from '../../engine/volume/transfer.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { absoluteHostPath } from '../parse/path.ts'

export const command = defineCommand({
  usage: 'VOLUME [SOURCE]',
  description:
    'Unpacks a tar archive into a volume: a file, or standard input where the source is - or not given.',
  examples: ['volume import data data.tar', 'volume import data - < data.tar'],
  flags: {},
  args: { min: 1, max: 2, completion: { kind: 'names', of: ['volumes'] } },
  run: async ({ args: [name = '', source = '-'], context }) => {
    await importVolume(
      engineOf(context),
      name,
      source === '-' ? source : absoluteHostPath(source, context.facts.cwd),
    )
    return 0
  },
})
