import { BryoError } from '../../base/errors.ts'
import { updateContainer } from '../../engine/container/update.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { healthSettings } from '../healthSettings.ts'
import { limitUpdate } from '../limits.ts'
import { HEALTH_FLAGS } from '../options/health.ts'
import { PROCESS_FLAGS } from '../options/process.ts'
import { REFUSED_LIMIT_FLAGS } from '../options/refused.ts'
import { LIMIT_FLAGS } from '../options/resources.ts'
import { printLine } from '../output.ts'
import { processEnvironment } from '../processEnvironment.ts'

const { restart, env, unsetenv } = PROCESS_FLAGS
const PICKED = { restart, env, unsetenv }

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description:
    'Changes settings of a container that exists: its limits and its restart policy, at once; its health check and its environment, from its next start on.',
  examples: ['update --restart always web', 'update --memory 512m --cpus 1.5 web'],
  flags: { ...HEALTH_FLAGS, ...LIMIT_FLAGS, ...REFUSED_LIMIT_FLAGS, ...PICKED },
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const { restart, unsetenv } = flags
    const env = processEnvironment({ env: flags.env, envFile: [] }, context.facts)
    const update = {
      ...(restart && { restart }),
      ...(env.length > 0 && { env }),
      ...(unsetenv.length > 0 && { unsetEnv: unsetenv }),
      ...limitUpdate(flags),
      ...healthSettings(flags, context.facts.cwd),
    }
    if (Object.keys(update).length === 0)
      throw new BryoError('USAGE', 'nothing to update: no setting was given')
    printLine(await updateContainer(engineOf(context), args[0] ?? '', update))
    return 0
  },
})
