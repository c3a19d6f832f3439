import { startExisting } from '../../engine/container/run.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { DETACH_KEYS } from '../options/attach.ts'
import { START_FLAGS } from '../options/containers.ts'
import { printLine, printWarning } from '../output.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [CONTAINER...]',
  description:
    'Starts containers that exist, in the background; with --attach one in the foreground, whose exit code is as with run.',
  examples: ['start web', 'start --attach web', 'start -ai shell'],
  flags: START_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const { attach, interactive, sigProxy } = flags
    const attached = attach || interactive
    const end = await startExisting(engine, args[0] ?? '', {
      signalProxy: sigProxy,
      interactive,
      onWarning: printWarning,
      attach: attached
        ? { interactive, signalProxy: sigProxy, detachKeys: flags.detachKeys ?? DETACH_KEYS }
        : undefined,
    })
    if (end.kind === 'background') printLine(args[0] ?? '')
    return end.kind === 'exited' ? end.exitCode : 0
  },
})
