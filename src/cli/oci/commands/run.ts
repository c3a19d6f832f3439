import { createFromBundle } from '../../../engine/oci/create.ts'
import { deleteById } from '../../../engine/oci/delete.ts'
import { startById } from '../../../engine/oci/start.ts'
import { waitForProgram } from '../../../engine/oci/wait.ts'
import { toggle } from '../../flags/kinds.ts'
import { defineOciCommand } from '../command.ts'
import { CREATE_FLAGS } from '../flags.ts'
import { createOptions } from './create.ts'

export const runCommand = defineOciCommand({
  name: 'run',
  usage: '[options] ID',
  summary: 'Create a container, start it, and remove it after its end',
  flags: {
    ...CREATE_FLAGS,
    detach: toggle({ short: 'd', help: 'Do not wait for its end' }),
    keep: toggle({ help: 'Leave its state after its end' }),
  },
  args: { min: 1, max: 1 },
  run: async ({ flags, args, caller }) => {
    const id = args[0] ?? ''
    const wanted = createOptions(flags, { id, foreground: !flags.detach }, caller.facts)
    const { record, masterFd } = await createFromBundle(caller, wanted)
    try {
      startById(caller, id)
    } catch (error) {
      deleteById(caller, id, { force: true })
      throw error
    }
    if (flags.detach || !record.process) return 0
    const exitCode = await waitForProgram(record.process.pid, masterFd)
    if (!flags.keep) deleteById(caller, id, { force: true })
    return exitCode
  },
})
