import { checkHealth, killUnhealthy } from '../../engine/container/health/check.ts'
import { restartContainer } from '../../engine/container/restart.ts'
import { stopContainer } from '../../engine/container/stop.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { toggle } from '../flags/kinds.ts'
import { printLine } from '../output.ts'

const QUIET = { onWarning: () => {} }

export const command = defineCommand({
  usage: '[options] CONTAINER',
  description:
    "Runs the health check of a running container once. Prints unhealthy and ends with 1 where it fails. The container's monitor does the same on its schedule.",
  examples: ['healthcheck run web'],
  flags: {
    'ignore-result': toggle({ help: 'End with 0 whatever the check says' }),
    scheduled: toggle({
      help: 'As the schedule does: print nothing, and do what --health-on-failure asks for',
    }),
  },
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const name = args[0] ?? ''
    const { passed, health, action } = await checkHealth(engine, name)
    if (!flags.scheduled) {
      if (!passed) printLine(health.status === 'starting' ? 'starting' : 'unhealthy')
      return passed || flags.ignoreResult ? 0 : 1
    }
    const record = requireContainer(engine.store, name)
    if (action === 'kill') killUnhealthy(engine, record)
    if (action === 'stop') stopContainer(engine, record, QUIET)
    if (action === 'restart') await restartContainer(engine, record, QUIET)
    return passed ? 0 : 1
  },
})
