import { BryoError } from '../../base/errors.ts'
import { showLogs } from '../../engine/container/logs.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { LOGS_FLAGS } from '../options/logs.ts'
import { writeErr, writeOut } from '../output.ts'
import { momentFlag } from '../parse/momentFlag.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Shows what containers have written: standard output on standard output, standard error on standard error. The lines of several are shown in the order of time, with the id of their container in front.',
  examples: ['logs web', 'logs -f --tail 10 web', 'logs --since 10m -t web', 'logs -n web db'],
  flags: LOGS_FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    if (flags.latest && args.length > 0) {
      throw new BryoError('USAGE', '--latest and containers cannot be used together')
    }
    if (!flags.latest && args.length === 0) {
      throw new BryoError('USAGE', 'specify at least one container name or ID to log')
    }
    const now = Date.now()
    const { tail = -1 } = flags
    await showLogs(
      engineOf(context),
      {
        names: args,
        follow: flags.follow,
        since: momentFlag('--since', flags.since, now),
        until: momentFlag('--until', flags.until, now),
        tail: tail < 0 ? undefined : tail,
        timestamps: flags.timestamps,
        showNames: flags.names,
        color: flags.color,
      },
      { write: (stream, bytes) => (stream === 'stdout' ? writeOut(bytes) : writeErr(bytes)) },
    )
    return 0
  },
})
