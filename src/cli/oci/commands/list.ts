import { listRecords } from '../../../engine/oci/container.ts'
import { type DescribedState, describeState } from '../../../engine/oci/describe.ts'
import { choiceOr, toggle } from '../../flags/kinds.ts'
import { printLine, writeOut } from '../../output.ts'
import { printable } from '../../report.ts'
import { defineOciCommand } from '../command.ts'

export const listCommand = defineOciCommand({
  name: 'list',
  usage: '[options]',
  summary: 'List containers',
  flags: {
    format: choiceOr('table', ['table', 'json'], { short: 'f', help: 'Print as table or json' }),
    quiet: toggle({ short: 'q', help: 'Print ids alone' }),
  },
  args: { min: 0, max: 0 },
  run: ({ flags, caller }) => {
    const states = listRecords(caller.stateRoot).map(describeState)
    if (flags.quiet) writeOut(states.map(({ id }) => `${id}\n`).join(''))
    else if (flags.format === 'json') printLine(JSON.stringify(states))
    else writeOut(tableText(states))
    return 0
  },
})

/** One line a container, in the columns of runc. */
function tableText(states: readonly DescribedState[]): string {
  const head = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER']
  const rows = [
    head,
    ...states.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      printable(bundle),
      created,
      owner,
    ]),
  ]
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${lines.join('\n')}\n`
}
