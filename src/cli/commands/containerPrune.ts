import { pruneContainers } from '../../engine/container/prune.ts'
import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { engineOf } from '../engine.ts'
import { PRUNE_FLAGS } from '../options/prune.ts'
import { printLine } from '../output.ts'
import { parsePruneFilter } from '../pruneFilter.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Removes all containers that do not run, and prints their ids.',
  examples: ['container prune', 'container prune --force --filter until=24h'],
  flags: PRUNE_FLAGS,
  args: { min: 0, max: 0 },
  run: ({ flags, context }) => {
    const filter = parsePruneFilter(flags.filter)
    if (!flags.force && !confirm('This will remove all non running containers.')) return 0
    for (const { id } of pruneContainers(engineOf(context), filter)) printLine(id)
    return 0
  },
})
