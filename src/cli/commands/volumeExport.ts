import { describeVolume } from '../../engine/volume/list.ts'
import { exportVolume } from '../../engine/volume/transfer.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { VOLUME_EXPORT_FLAGS } from '../options/volumes.ts'
import { writeArchive } from '../outputArchive.ts'

export const command = defineCommand({
  usage: '[options] VOLUME',
  description: 'Writes the content of a volume as a tar archive, to standard output or a file.',
  examples: ['volume export data --output data.tar', 'volume export data | gzip > data.tar.gz'],
  flags: VOLUME_EXPORT_FLAGS,
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['volumes'] } },
  run: async ({ flags, args: [name = ''], context }) => {
    const engine = engineOf(context)
    // Before a file that is there is emptied.
    const { volume } = describeVolume(engine, name)
    await writeArchive(flags.output, context.facts.cwd, (fd) => exportVolume(engine, volume.name, fd))
    return 0
  },
})
