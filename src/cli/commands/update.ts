import { BryoError } from '../../base/errors.ts'
import { updateContainer } from '../../engine/container/update.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { HEALTH_FLAGS } from '../options/health.ts'
import { PROCESS_FLAGS } from '../options/process.ts'
import { printLine } from '../output.ts'
import { healthSettings } from '../runOptions.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description:
    'Changes settings of a container that exists: its restart policy, at once; its health check, from its next start on.',
  examples: ['update --restart always web'],
  flags: { ...HEALTH_FLAGS, restart: PROCESS_FLAGS.restart },
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: ({ flags, args, context }) => {
    const { restart } = flags
    const update = { ...(restart && { restart }), ...healthSettings(flags) }
    if (Object.keys(update).length === 0)
      throw new BryoError('USAGE', 'nothing to update: no setting was given')
    printLine(updateContainer(engineOf(context), args[0] ?? '', update))
    return 0
  },
})
