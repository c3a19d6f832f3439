import { BryoError } from '../../../base/errors.ts'
import { statisticsById } from '../../../engine/oci/statistics.ts'
import { toggle } from '../../flags/kinds.ts'
import { printLine } from '../../output.ts'
import { defineOciCommand } from '../command.ts'

export const eventsCommand = defineOciCommand({
  name: 'events',
  usage: '--stats ID',
  summary: 'Print what a container uses as JSON',
  flags: { stats: toggle({ help: 'Print it once' }) },
  args: { min: 1, max: 1 },
  run: ({ flags, args, caller }) => {
    if (!flags.stats) {
      throw new BryoError('UNSUPPORTED', 'cannot watch a container: expected --stats, which prints once')
    }
    printLine(JSON.stringify(statisticsById(caller, args[0] ?? '')))
    return 0
  },
})
