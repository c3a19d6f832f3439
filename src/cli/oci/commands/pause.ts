import { freezeById } from '../../../engine/oci/freeze.ts'
import { defineOciCommand } from '../command.ts'

export const pauseCommand = defineOciCommand({
  name: 'pause',
  usage: 'ID',
  summary: 'Hold all processes of a container',
  flags: {},
  args: { min: 1, max: 1 },
  run: ({ args, caller }) => {
    freezeById(caller, args[0] ?? '', 'pause')
    return 0
  },
})
