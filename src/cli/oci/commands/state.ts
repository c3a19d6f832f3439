import { findContainer } from '../../../engine/oci/container.ts'
import { describeState } from '../../../engine/oci/describe.ts'
import { printLine } from '../../output.ts'
import { defineOciCommand } from '../command.ts'

export const stateCommand = defineOciCommand({
  name: 'state',
  usage: 'ID',
  summary: 'Print the state of a container as JSON',
  flags: {},
  args: { min: 1, max: 1 },
  run: ({ args, caller }) => {
    const record = findContainer(caller.stateRoot, args[0] ?? '')
    printLine(JSON.stringify(describeState(record), undefined, 2))
    return 0
  },
})
