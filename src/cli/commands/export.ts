import { exportContainer } from '../../engine/container/export.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { EXPORT_FLAGS } from '../options/containerFiles.ts'
import { writeArchive } from '../outputArchive.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description: "Writes a container's whole root as a tar archive, without what is mounted in it.",
  examples: ['export -o root.tar web', 'export web | tar -t'],
  flags: EXPORT_FLAGS,
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args: [name = ''], context }) => {
    const engine = engineOf(context)
    // Before a file that is there is emptied.
    const { id } = requireContainer(engine.store, name)
    await writeArchive(flags.output, context.facts.cwd, (fd) => exportContainer(engine, id, fd))
    return 0
  },
})
