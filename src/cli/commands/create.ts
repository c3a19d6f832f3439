import { createOnly } from '../../engine/container/run.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { CREATE_COMMAND_FLAGS } from '../options/create.ts'
import { printLine } from '../output.ts'
import { containerRequest, registryLogin } from '../runOptions.ts'

export const command = defineCommand({
  usage: '[options] IMAGE [COMMAND [ARG...]]',
  description: 'Makes a container without starting it, and prints its id. It takes the options of run.',
  examples: ['create --name web nginx', 'start --attach web'],
  flags: CREATE_COMMAND_FLAGS,
  args: { min: 1, completion: { kind: 'names', of: ['images'] } },
  interspersed: false,
  run: async ({ flags, args, context }) => {
    const request = containerRequest(flags, args, context.facts)
    printLine(await createOnly(engineOf(context), request, { registry: registryLogin(flags) }))
    return 0
  },
})
