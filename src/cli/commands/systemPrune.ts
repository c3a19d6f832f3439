import { pruneSystem } from '../../engine/system/prune.ts'
import { defineCommand } from '../command.ts'
import { confirm } from '../confirm.ts'
import { engineOf } from '../engine.ts'
import { humanSize } from '../format/units.ts'
import { SYSTEM_PRUNE_FLAGS } from '../options/prune.ts'
import { writeOut } from '../output.ts'
import { parsePruneFilter } from '../pruneFilter.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Removes containers that do not run, images without a name, and what else nobody uses.',
  examples: ['system prune', 'system prune --all --volumes --force'],
  flags: SYSTEM_PRUNE_FLAGS,
  args: { min: 0, max: 0 },
  run: ({ flags, context }) => {
    const { all, volumes } = flags
    const filter = parsePruneFilter(flags.filter)
    if (!flags.force && !confirm(warningOf(flags))) return 0
    const pruned = pruneSystem(engineOf(context), { all, volumes, filter })
    const parts = [
      section('Containers', pruned.containers),
      section('Volumes', pruned.volumes),
      section('Images', pruned.images),
      `Total reclaimed space: ${humanSize(pruned.bytes)}\n`,
    ]
    writeOut(parts.join(''))
    return 0
  },
})

function warningOf({ all, volumes }: { readonly all: boolean; readonly volumes: boolean }): string {
  const images = all
    ? 'all images without at least one container associated with them'
    : 'all dangling images'
  return [
    'This command removes:',
    '\t- all stopped containers',
    ...(volumes ? ['\t- all volumes not used by at least one container'] : []),
    `\t- ${images}`,
    '',
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `Deleted ${title}\n${lines.map((line) => `${line}\n`).join('')}`
}
