import { BryoError } from '../../base/errors.ts'
import { type StatsSample, type StatsSubject, sampleContainers } from '../../engine/container/stats/stats.ts'
import type { Engine } from '../../engine/engine.ts'
import { isTerminal } from '../../syscall/tty.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import type { FlagValues } from '../flags/flag.ts'
import { count, text, toggle } from '../flags/kinds.ts'
import { formatRows } from '../format/rows.ts'
import { STATS_COLUMNS, STATS_TITLES, statsFields, statsJson, statsRow } from '../format/statsRow.ts'
import { writeOut } from '../output.ts'

const DEFAULT_INTERVAL = 5

const FLAGS = {
  all: toggle({ short: 'a', help: 'Show all containers, not only running ones' }),
  format: text({ help: 'Print as json, or with a Go template' }),
  interval: count({
    short: 'i',
    placeholder: 'seconds',
    help: 'Look again after so many seconds',
    defaultText: String(DEFAULT_INTERVAL),
  }),
  latest: toggle({ short: 'l', help: 'Show the last created container' }),
  'no-reset': toggle({ help: 'Leave what was shown before on the screen' }),
  'no-stream': toggle({ help: 'Show once, and end' }),
  'no-trunc': toggle({ help: 'Show whole ids' }),
}

export const command = defineCommand({
  usage: '[options] [CONTAINER...]',
  description: 'Shows what running containers use: processor time, memory, network, disks and processes.',
  examples: ['stats', 'stats --no-stream web', "stats --no-stream --format '{{.Name}} {{.MemUsage}}'"],
  flags: FLAGS,
  args: { min: 0, completion: { kind: 'names', of: ['containers'] } },
  run: async ({ flags, args, context }) => {
    const engine = engineOf(context)
    const subject = await subjectOf(engine, args, flags)
    const docker = context.program === 'docker'
    let before: ReadonlyMap<string, StatsSample> = new Map()
    for (;;) {
      const samples = sampleContainers(engine, subject)
      const rows = samples.map((sample) => statsRow(sample, { noTrunc: flags.noTrunc, before }))
      const table = await formatRows(rows, {
        columns: STATS_COLUMNS,
        format: flags.format,
        noHeading: false,
        fields: statsFields,
        titles: STATS_TITLES,
        json: statsJson,
        jsonLines: docker,
      })
      if (flags.noStream) {
        writeOut(table)
        return 0
      }
      writeOut(flags.noReset || !isTerminal(1) ? table : `${CLEAR_SCREEN}${table}`)
      if (subject.kind === 'named' && samples.every(({ usage }) => usage === undefined)) return 0
      before = new Map(samples.map((sample) => [sample.id, sample]))
      await pause(flags.interval ?? DEFAULT_INTERVAL)
    }
  },
})

const CLEAR_SCREEN = '\u001b[2J\u001b[1;1H'

async function pause(seconds: number): Promise<void> {
  const { setTimeout } = await import('node:timers/promises')
  await setTimeout(Math.max(1, seconds) * 1000)
}

async function subjectOf(
  engine: Engine,
  names: readonly string[],
  { all, latest }: FlagValues<typeof FLAGS>,
): Promise<StatsSubject> {
  if (Number(all) + Number(latest) + Number(names.length > 0) > 1) {
    throw new BryoError('USAGE', '--all, --latest and containers cannot be used together')
  }
  if (all) return { kind: 'all' }
  if (names.length > 0) return { kind: 'named', names }
  if (!latest) return { kind: 'running' }
  const { latestContainer } = await import('../../engine/container/latest.ts')
  return { kind: 'named', names: [latestContainer(engine).id] }
}
