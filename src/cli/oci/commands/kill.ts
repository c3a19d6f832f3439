import { killById } from '../../../engine/oci/signal.ts'
import { toggle } from '../../flags/kinds.ts'
import { defineOciCommand } from '../command.ts'
import { signalNumber } from '../signalNumber.ts'

export const killCommand = defineOciCommand({
  name: 'kill',
  usage: '[options] ID [SIGNAL]',
  summary: 'Send a signal to a container, SIGTERM by default',
  flags: { all: toggle({ short: 'a', help: 'To all of its processes' }) },
  args: { min: 1, max: 2 },
  run: ({ flags, args, caller }) => {
    killById(caller, args[0] ?? '', { signal: signalNumber(args[1] ?? 'SIGTERM'), all: flags.all })
    return 0
  },
})
