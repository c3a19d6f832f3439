import { BryoError } from '../../../base/errors.ts'
import { findContainer, isAlive } from '../../../engine/oci/container.ts'
import { processesOf } from '../../../engine/oci/signal.ts'
import { choiceOr } from '../../flags/kinds.ts'
import { printLine, writeOut } from '../../output.ts'
import { defineOciCommand } from '../command.ts'

export const psCommand = defineOciCommand({
  name: 'ps',
  usage: '[options] ID',
  summary: 'Print the processes of a container',
  flags: { format: choiceOr('table', ['table', 'json'], { short: 'f', help: 'Print as table or json' }) },
  args: { min: 1, max: 1 },
  run: ({ flags, args, caller }) => {
    const record = findContainer(caller.stateRoot, args[0] ?? '')
    if (!isAlive(record)) {
      throw new BryoError(
        'INVALID_STATE',
        `cannot list processes of container "${record.id}": container not running`,
      )
    }
    const pids = processesOf(record)
    if (flags.format === 'json') printLine(JSON.stringify(pids))
    else writeOut(`PID\n${pids.map((pid) => `${pid}\n`).join('')}`)
    return 0
  },
})
