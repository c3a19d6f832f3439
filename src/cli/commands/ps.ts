import { BryoError } from '../../base/errors.ts'
import { type ListedContainer, listContainers } from '../../engine/container/list.ts'
import { containerFilter, isListedAlways, namesStates } from '../../engine/container/listFilter.ts'
import type { Engine } from '../../engine/engine.ts'
import { type CommandContext, defineCommand } from '../command.ts'
import { readContainerFilters } from '../containerFilters.ts'
import { engineOf } from '../engine.ts'
import type { Filters } from '../filter.ts'
import type { FlagValues } from '../flags/flag.ts'
import {
  CONTAINER_TITLES,
  type ContainerRow,
  containerFields,
  containerJson,
  containerRows,
  sizeText,
} from '../format/containerRow.ts'
import { portsText } from '../format/ports.ts'
import { type Column, formatRows } from '../format/rows.ts'
import { PS_FLAGS, type PS_SORTS } from '../options/ps.ts'
import { writeOut } from '../output.ts'
import { writeShown } from '../show.ts'

export const command = defineCommand({
  usage: '[options]',
  description: 'Lists the running containers; with --all, the others too.',
  examples: [
    'ps -a',
    "ps -a --format '{{.ID}} {{.Names}} {{.Status}}'",
    'ps -aq --filter status=exited',
    "ps --format 'table {{.Names}} {{.Ports}}'",
  ],
  flags: PS_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    checkFlags(flags)
    const engine = engineOf(context)
    const filters = readContainerFilters(flags.filter)
    if (flags.watch === undefined || flags.watch === 0) {
      await writeShown(await listing(engine, { flags, filters, context }))
      return 0
    }
    const { setTimeout } = await import('node:timers/promises')
    for (;;) {
      const text = await listing(engine, { flags, filters, context })
      writeOut(CLEAR_SCREEN)
      await writeShown(text)
      await setTimeout(flags.watch * 1000)
    }
  },
})

type Flags = FlagValues<typeof PS_FLAGS>

const CLEAR_SCREEN = '\u001b[2J\u001b[1;1H'

function checkFlags(flags: Flags): void {
  const refuse = (message: string): never => {
    throw new BryoError('USAGE', message)
  }
  if (flags.last !== undefined && flags.last >= 0 && flags.latest)
    refuse('last and latest are mutually exclusive')
  if (flags.quiet && (flags.size || flags.ns)) refuse('quiet conflicts with size and namespace')
  if (flags.size && flags.ns) refuse('size and namespace options conflict')
  if (flags.latest && flags.watch !== undefined && flags.watch > 0) {
    refuse('the watch and latest flags cannot be used together')
  }
}

interface ListingOptions {
  readonly flags: Flags
  readonly filters: Filters
  readonly context: CommandContext
}

async function listing(engine: Engine, { flags, filters, context }: ListingOptions): Promise<string> {
  const docker = context.program === 'docker'
  const rows = containerRows(engine, chosen(engine, flags, filters), {
    noTrunc: flags.noTrunc,
    namespaces: flags.ns || (flags.format !== undefined && NAMESPACE_FIELDS.test(flags.format)),
  })
  const sorted = sortRows(docker && flags.sort === 'created' ? rows.toReversed() : rows, flags.sort)
  if (flags.quiet && flags.format === undefined) return sorted.map((row) => `${row.id}\n`).join('')
  return await formatRows(sorted, {
    columns: columnsOf(flags),
    format: flags.format,
    noHeading: flags.noheading,
    fields: (row) => containerFields(row, docker),
    titles: docker ? { ...CONTAINER_TITLES, RunningFor: 'CREATED' } : CONTAINER_TITLES,
    json: (row) => containerJson(row, flags.size),
    jsonLines: docker,
  })
}

const NAMESPACE_FIELDS = /\.(?:Namespaces|Cgroup|CGROUPNS|IPC|MNT|NET|PIDNS|USERNS|User|UTS)\b/

/** What filters and --last leave, oldest first. */
function chosen(engine: Engine, flags: Flags, filters: Filters): readonly ListedContainer[] {
  const limit = flags.latest ? 1 : (flags.last ?? -1)
  const everyState = flags.all || limit > 0 || namesStates(filters)
  const fits = containerFilter(engine, filters)
  const fitting = listContainers(engine).filter((one) => (everyState || isListedAlways(one)) && fits(one))
  return limit > 0 ? fitting.slice(-limit) : fitting
}

function columnsOf(flags: Flags): readonly Column<ContainerRow>[] {
  if (flags.ns) return NAMESPACE_COLUMNS
  return [...COLUMNS, ...(flags.pod ? POD_COLUMNS : []), ...(flags.size ? [SIZE_COLUMN] : [])]
}

const COLUMNS: readonly Column<ContainerRow>[] = [
  { title: 'CONTAINER ID', cell: (row) => row.id },
  { title: 'IMAGE', cell: (row) => row.image },
  { title: 'COMMAND', cell: (row) => row.command },
  { title: 'CREATED', cell: (row) => row.runningFor },
  { title: 'STATUS', cell: (row) => row.status },
  { title: 'PORTS', cell: (row) => portsText(row.ports) },
  { title: 'NAMES', cell: (row) => row.record.name },
]

const POD_COLUMNS: readonly Column<ContainerRow>[] = [
  { title: 'POD ID', cell: () => '' },
  { title: 'PODNAME', cell: () => '' },
]

const SIZE_COLUMN: Column<ContainerRow> = { title: 'SIZE', cell: (row) => sizeText(row.size()) }

const NAMESPACE_COLUMNS: readonly Column<ContainerRow>[] = [
  { title: 'CONTAINER ID', cell: (row) => row.id },
  { title: 'NAMES', cell: (row) => row.record.name },
  { title: 'PID', cell: ({ state }) => String('process' in state ? state.process.pid : 0) },
  { title: 'CGROUPNS', cell: (row) => row.namespaces.cgroup },
  { title: 'IPC', cell: (row) => row.namespaces.ipc },
  { title: 'MNT', cell: (row) => row.namespaces.mnt },
  { title: 'NET', cell: (row) => row.namespaces.net },
  { title: 'PIDNS', cell: (row) => row.namespaces.pid },
  { title: 'USERNS', cell: (row) => row.namespaces.user },
  { title: 'UTS', cell: (row) => row.namespaces.uts },
]

const SORT_KEYS: Readonly<Record<(typeof PS_SORTS)[number], (row: ContainerRow) => string | number>> = {
  command: ({ record }) => record.command.join(' '),
  created: ({ record }) => record.created,
  id: ({ record }) => record.id,
  image: (row) => row.image,
  names: ({ record }) => record.name,
  runningfor: ({ state }) => ('startedAt' in state ? (state.startedAt ?? '') : ''),
  size: (row) => row.size().written + row.size().image,
  status: ({ state }) => state.status,
}

function sortRows(rows: readonly ContainerRow[], key: Flags['sort']): readonly ContainerRow[] {
  // That is their order already.
  if (key === 'created') return rows
  const keyOf = SORT_KEYS[key]
  return rows.toSorted((a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)]
    return left < right ? -1 : left > right ? 1 : 0
  })
}
