import { startById } from '../../../engine/oci/start.ts'
import { defineOciCommand } from '../command.ts'

export const startCommand = defineOciCommand({
  name: 'start',
  usage: 'ID',
  summary: 'Start the program of a created container',
  flags: {},
  args: { min: 1, max: 1 },
  run: ({ args, caller }) => {
    startById(caller, args[0] ?? '')
    return 0
  },
})
