import { BryoError } from '../../base/errors.ts'
import { dependants, removeByName } from '../../engine/container/remove.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { forEachName, removalExitCode } from '../forEach.ts'
import { RM_FLAGS } from '../options/containers.ts'
import { printWarning } from '../output.ts'
import { selectedNames } from '../selection.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Removes containers with what they wrote. A running one has to be ended first, or with --force.',
  examples: ['rm web', 'rm -f web db', 'rm --all'],
  flags: RM_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    if (flags.time !== undefined && !flags.force)
      throw new BryoError('USAGE', '--force option must be specified to use the --time option')
    const { force, volumes, ignore, time } = flags
    const options = {
      force,
      volumes,
      ignore,
      onWarning: printWarning,
      ...(time !== undefined && { timeoutSeconds: time }),
    }
    const selected = selectedNames(engine, flags, args, 'any')
    const names = flags.depend ? selected.flatMap((name) => [...dependants(engine, name), name]) : selected
    const remove = (name: string) => removeByName(engine, name, options)
    return await forEachName(names, context, remove, removalExitCode('INVALID_STATE'))
  },
})
