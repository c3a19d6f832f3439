import { BryoError } from '../../base/errors.ts'
import { DESCRIPTORS } from '../../engine/container/processes/descriptors.ts'
import { parseDescriptors, topTable } from '../../engine/container/top.ts'
import type { Engine } from '../../engine/engine.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { toggle } from '../flags/kinds.ts'
import { formatTable } from '../format/tabwriter.ts'
import { writeOut } from '../output.ts'
import { printable } from '../report.ts'

export const command = defineCommand({
  usage: '[options] CONTAINER [DESCRIPTOR... | PS-OPTION...]',
  description:
    "Shows the processes of a running container, in the columns that descriptors of ps(1) name. With options of ps, the host's ps shows them.",
  examples: ['top web', 'top web user pid hpid args', 'top web -eo pid,args', 'top --latest'],
  flags: {
    latest: toggle({ short: 'l', help: 'Take the last created container' }),
    'list-descriptors': toggle({ help: 'Show the names of all descriptors' }),
  },
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  interspersed: false,
  run: async ({ flags, args, context }) => {
    if (flags.listDescriptors) {
      writeOut(DESCRIPTORS.map(({ name }) => `${name}\n`).join(''))
      return 0
    }
    const engine = engineOf(context)
    const [name, words] = await target(engine, args, flags.latest)
    const descriptors = parseDescriptors(words)
    if (descriptors) {
      const table = await topTable(engine, name, descriptors)
      writeOut(formatTable(table.map((cells) => cells.map(printable))))
    } else {
      const { hostPsLines } = await import('../../engine/container/hostPs.ts')
      writeOut(
        hostPsLines(engine, name, words)
          .map((line) => `${printable(line)}\n`)
          .join(''),
      )
    }
    return 0
  },
})

/** The container, and what follows it. */
async function target(
  engine: Engine,
  args: readonly string[],
  latest: boolean,
): Promise<readonly [string, readonly string[]]> {
  if (latest) {
    const { latestContainer } = await import('../../engine/container/latest.ts')
    return [latestContainer(engine).id, args]
  }
  const [name, ...words] = args
  if (name === undefined) {
    throw new BryoError('USAGE', 'you must provide the name or id of a running container')
  }
  return [name, words]
}
