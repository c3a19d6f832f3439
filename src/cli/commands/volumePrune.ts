import { pruneVolumes, unusedVolumes } from '../../engine/volume/remove.ts'
import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { engineOf } from '../engine.ts'
import { VOLUME_PRUNE_FLAGS } from '../options/prune.ts'
import { printLine } from '../output.ts'
import { parsePruneFilter } from '../pruneFilter.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Removes the volumes that no container has, with their content, and prints their names.',
  examples: ['volume prune', 'volume prune --force --filter label!=keep'],
  flags: VOLUME_PRUNE_FLAGS,
  args: { min: 0, max: 0 },
  run: ({ flags, context }) => {
    const engine = engineOf(context)
    const filter = parsePruneFilter(flags.filter)
    if (!flags.force) {
      const names = unusedVolumes(engine, filter).map(({ name }) => `\n${name}`)
      const list = names.length === 0 ? '' : ` The following volumes will be removed:${names.join('')}`
      if (!confirm(`This will remove all volumes not used by at least one container.${list}`)) return 0
    }
    for (const { name } of pruneVolumes(engine, filter)) printLine(name)
    return 0
  },
})
