import { BryoError } from '../../base/errors.ts'
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  usage: '[options] COMMAND',
  description: [
    'Runs containers of OCI bundles without root, as other engines ask their runtime to: create, start, state, kill, delete.',
    'The same program answers to the name bryo-oci.',
  ].join('\n'),
  examples: ['oci-runtime spec --rootless', 'oci-runtime create --bundle . web', 'oci-runtime start web'],
  flags: {},
  args: { min: 0 },
  ownProgram: async (call) => {
    const { runOciProgram } = await import('../oci/program.ts')
    return await runOciProgram(call)
  },
  run: () => {
    throw new BryoError('INTERNAL', 'cannot run oci-runtime without its own program')
  },
})
