import { digestHex } from '../../base/digest.ts'
import { pruneImages } from '../../engine/image/prune.ts'
import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { engineOf } from '../engine.ts'
import { IMAGE_PRUNE_FLAGS } from '../options/prune.ts'
import { printLine } from '../output.ts'
import { parsePruneFilter } from '../pruneFilter.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Removes images that have no name and that no container has, and prints their ids.',
  examples: ['image prune', 'image prune --all --filter until=240h'],
  flags: IMAGE_PRUNE_FLAGS,
  args: { min: 0, max: 0 },
  run: ({ flags, context }) => {
    const { all } = flags
    const filter = parsePruneFilter(flags.filter)
    const question = all
      ? 'This command removes all images without at least one container associated with them.'
      : 'This command removes all dangling images.'
    if (!flags.force && !confirm(question)) return 0
    for (const id of pruneImages(engineOf(context), { all, filter }).ids) printLine(digestHex(id))
    return 0
  },
})
