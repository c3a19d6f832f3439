import { deleteById } from '../../../engine/oci/delete.ts'
import { toggle } from '../../flags/kinds.ts'
import { defineOciCommand } from '../command.ts'

export const deleteCommand = defineOciCommand({
  name: 'delete',
  usage: '[options] ID',
  summary: 'Remove a stopped container',
  flags: { force: toggle({ short: 'f', help: 'End it first; no error where there is none' }) },
  args: { min: 1, max: 1 },
  run: ({ flags, args, caller }) => {
    deleteById(caller, args[0] ?? '', { force: flags.force })
    return 0
  },
})
