import { freezeById } from '../../../engine/oci/freeze.ts'
import { defineOciCommand } from '../command.ts'

export const resumeCommand = defineOciCommand({
  name: 'resume',
  usage: 'ID',
  summary: 'Let a paused container go on',
  flags: {},
  args: { min: 1, max: 1 },
  run: ({ args, caller }) => {
    freezeById(caller, args[0] ?? '', 'resume')
    return 0
  },
})
