import { healStore } from '../../engine/system/heal.ts'
import { type Command, defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import type { FlagTable } from '../flags/flag.ts'
import { refused } from '../flags/refused.ts'
import { printLine } from '../output.ts'

function nothingToDo(verb: 'migrate' | 'renumber', why: string, flags: FlagTable = {}): Command {
  return defineCommand({
    usage: '',
    description: `There is nothing to ${verb}: ${why}. What killed commands have left is cleared up, as every command does it.`,
    examples: [`system ${verb}`],
    flags,
    args: { min: 0, max: 0 },
    run: ({ context }) => {
      const healed = healStore(engineOf(context), verb)
      for (const line of healed) printLine(line)
      printLine(`nothing to ${verb}: ${why}`)
      return 0
    },
  })
}

export const command = nothingToDo(
  'migrate',
  'each container has a user namespace of its own, made when it starts',
  {
    'migrate-db': refused('there is no database: what is known of containers is in files', {
      isSwitch: true,
    }),
    'new-runtime': refused('containers are run by bryo itself'),
  },
)
export const renumber = nothingToDo('renumber', 'locks are files, which the kernel releases')
