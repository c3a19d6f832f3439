import { BryoError } from '../../base/errors.ts'
import { runUnshared } from '../../engine/container/unshare.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { UNSHARE_FLAGS } from '../options/containerFiles.ts'

export const command = defineCommand({
  usage: '[options] [COMMAND [ARG...]]',
  description:
    'Runs a command, or a shell, in the user namespace of containers: the caller is root there, and the files of containers and volumes have the owners that the containers see.',
  examples: ['unshare', 'unshare ls -l ~/.local/share/bryo/volumes', 'unshare rm -r old-data'],
  flags: UNSHARE_FLAGS,
  args: { min: 0 },
  interspersed: false,
  run: ({ flags, args, context }) => {
    if (flags.rootlessNetns) {
      throw new BryoError('UNSUPPORTED', 'cannot join the rootless network namespace: there is none', {
        hint: 'each container has a network of its own: bryo exec CONTAINER COMMAND runs in it',
      })
    }
    const { SHELL } = context.facts.env
    const argv = args.length > 0 ? args : [SHELL === undefined || SHELL === '' ? '/bin/sh' : SHELL]
    // They are for the command, which the terminal sends them to as well.
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {})
    return runUnshared(engineOf(context), argv)
  },
})
