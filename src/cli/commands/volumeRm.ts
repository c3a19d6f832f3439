import { BryoError } from '../../base/errors.ts'
import { listVolumes } from '../../engine/volume/list.ts'
import { removeVolumeByName } from '../../engine/volume/remove.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName, removalExitCode } from '../forEach.ts'
import { VOLUME_RM_FLAGS } from '../options/volumes.ts'

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
    if (flags.time !== undefined && !flags.force)
      throw new BryoError('USAGE', '--force option must be specified to use the --time option')
    const engine = engineOf(context)
    const names = flags.all ? listVolumes(engine).map(({ volume }) => volume.name) : args
    const remove = (name: string) => {
      try {
        return removeVolumeByName(engine, name, { force: flags.force, timeoutSeconds: flags.time })
      } catch (error) {
        if (!(flags.force && error instanceof BryoError && error.code === 'NOT_FOUND')) throw error
        return undefined
      }
    }
    return await forEachName(names, context, remove, removalExitCode('IN_USE'))
  },
})
