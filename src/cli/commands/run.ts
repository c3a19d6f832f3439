import { runContainer } from '../../engine/container/run.ts'
import { isTerminal } from '../../syscall/tty.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { RUN_FLAGS } from '../options/create.ts'
import { printWarning } from '../output.ts'
import { containerRequest } from '../runOptions.ts'

const NO_BACKGROUND = 'containers in the background are not supported yet'

export const command = defineCommand({
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description:
    "Makes a container from an image and runs a command in it, in the foreground. The exit code is the command's; 125 where bryo failed, 126 where the command cannot be executed, 127 where it was not found.",
  examples: [
    'run --rm -it alpine sh',
    'run --rm -v "$PWD:/w" -w /w node:24 node app.js',
    'run --rm -p 8080:80 nginx',
  ],
  flags: RUN_FLAGS,
  absent: { d: NO_BACKGROUND, detach: NO_BACKGROUND },
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  interspersed: false,
  run: async ({ flags, args, context }) => {
    const request = containerRequest(flags, args, context.facts)
    if (flags.tty && flags.interactive && !isTerminal(0)) {
      printWarning('the input device is not a TTY: --tty and --interactive might not work as expected')
    }
    return await runContainer(engineOf(context), request, {
      signalProxy: flags.sigProxy && !flags.tty,
      preservedFds: flags.preserveFds ?? 0,
      interactive: flags.interactive,
      onWarning: printWarning,
    })
  },
})
