import { BryoError } from '../../base/errors.ts'
import { listVolumes } from '../../engine/volume/list.ts'
import { removeVolumeByName } from '../../engine/volume/remove.ts'
import { defineCommand } from '../command.ts'
import { eachName, removalExitCode } from '../eachName.ts'
import { engineOf } from '../engine.ts'
import { VOLUME_RM_FLAGS } from '../options/volumes.ts'
import { printLine } from '../output.ts'

export const command = defineCommand({
  usage: '[options] VOLUME [VOLUME...]',
  description: 'Removes volumes with their content. One that a container has stays, unless --force is given.',
  examples: ['volume rm data', 'volume rm --all', 'volume rm --force data'],
  flags: VOLUME_RM_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['volumes'] } },
  run: async ({ flags, args, context }) => {
    if (flags.all === args.length > 0) {
      throw new BryoError('USAGE', 'choose either one or more volumes or all')
    }
    const engine = engineOf(context)
    const names = flags.all ? listVolumes(engine).map(({ volume }) => volume.name) : args
    const remove = (name: string) => {
      try {
        printLine(removeVolumeByName(engine, name, { force: flags.force }))
      } catch (error) {
        if (!(flags.force && error instanceof BryoError && error.code === 'NOT_FOUND')) throw error
      }
    }
    return await eachName(names, context, remove, removalExitCode)
  },
})
