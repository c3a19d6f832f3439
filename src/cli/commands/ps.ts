import { BryoError } from '../../base/errors.ts'
import { type ListedContainer, listContainers, writtenBytes } from '../../engine/container/list.ts'
import type { Engine } from '../../engine/engine.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { type Filters, matchesLabel, parseFilters } from '../filter.ts'
import { formatRows } from '../format/rows.ts'
import { humanAgo, humanDuration, humanSize } from '../format/units.ts'
import { PS_FLAGS } from '../options/containers.ts'
import { writeOut } from '../output.ts'
import { printable } from '../report.ts'

const FILTERS = [
  'ancestor',
  'before',
  'exited',
  'id',
  'label',
  'name',
  'network',
  'since',
  'status',
  'volume',
]

interface Row extends ListedContainer {
  readonly id: string
  readonly command: string
  readonly created: string
  readonly runningFor: string
  readonly status: string
  readonly size: string
}

export const command = defineCommand({
  usage: '[options]',
  description: 'Lists the running containers; with --all, the others too.',
  examples: ['ps -a', "ps -a --format '{{.ID}} {{.Names}} {{.Status}}'", 'ps -aq --filter status=exited'],
  flags: PS_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    const engine = engineOf(context)
    const filters = parseFilters(flags.filter, FILTERS)
    const limit = flags.latest ? 1 : (flags.last ?? -1)
    const everyState = flags.all || limit > 0 || filters.has('status') || filters.has('exited')
    const all = listContainers(engine)
    const matching = all.filter((one) => (everyState || isUp(one)) && matches(one, filters, all)).reverse()
    const shown = limit > 0 ? matching.slice(0, limit) : matching
    const withSize = flags.size || (flags.format?.includes('.Size') ?? false)
    const rows = sortRows(shown, flags.sort).map((one) =>
      toRow(one, { engine, withSize, noTrunc: flags.noTrunc }),
    )
    if (flags.quiet) {
      writeOut(rows.map((row) => `${row.id}\n`).join(''))
      return 0
    }
    const format = flags.format
    writeOut(
      await formatRows(rows, {
        columns: [...COLUMNS, ...(flags.size ? [{ title: 'SIZE', cell: (row: Row) => row.size }] : [])],
        format,
        noHeading: flags.noheading,
        fields: templateFields,
        titles: { ID: 'CONTAINER ID', RunningFor: 'CREATED' },
        json: jsonFields,
        jsonLines: context.program === 'docker',
      }),
    )
    return 0
  },
})

const COLUMNS = [
  { title: 'CONTAINER ID', cell: (row: Row) => row.id },
  { title: 'IMAGE', cell: (row: Row) => imageOf(row) },
  { title: 'COMMAND', cell: (row: Row) => row.command },
  { title: 'CREATED', cell: (row: Row) => row.runningFor },
  { title: 'STATUS', cell: (row: Row) => row.status },
  { title: 'PORTS', cell: (row: Row) => row.ports.join(', ') },
  { title: 'NAMES', cell: (row: Row) => row.record.name },
]

const COMMAND_WIDTH = 20

function toRow(
  one: ListedContainer,
  options: { readonly engine: Engine; readonly withSize: boolean; readonly noTrunc: boolean },
): Row {
  // The image chose it: neither escape sequences nor line ends of its reach the terminal.
  const text = printable(one.record.command.join(' ').replace(/[\t\n]/g, ' '))
  const now = Date.now()
  return {
    ...one,
    id: options.noTrunc ? one.record.id : one.record.id.slice(0, 12),
    command: options.noTrunc || text.length <= COMMAND_WIDTH ? text : `${text.slice(0, COMMAND_WIDTH)}...`,
    created: one.record.created,
    runningFor: humanAgo(Date.parse(one.record.created), now),
    status: statusOf(one, now),
    size: options.withSize ? humanSize(writtenBytes(options.engine, one.record)) : '',
  }
}

function statusOf({ state }: ListedContainer, now: number): string {
  switch (state.status) {
    case 'created':
      return 'Created'
    case 'exited': {
      const code = state.exitCode ?? 'unknown'
      return state.finishedAt === undefined
        ? `Exited (${code})`
        : `Exited (${code}) ${humanAgo(Date.parse(state.finishedAt), now)}`
    }
    default:
      return `Up ${humanDuration(now - Date.parse(state.startedAt))}${state.status === 'paused' ? ' (Paused)' : ''}`
  }
}

function imageOf({ record, request }: ListedContainer): string {
  return record.image?.name ?? request.rootfs?.path ?? ''
}

function isUp({ state }: ListedContainer): boolean {
  return state.status !== 'created' && state.status !== 'exited'
}

function matches(one: ListedContainer, filters: Filters, all: readonly ListedContainer[]): boolean {
  return [...filters].every(([key, values]) =>
    key === 'label'
      ? values.every((value) => matchesLabel(one.request.labels, value))
      : values.some((value) => matchesOne(one, key, value, all)),
  )
}

function matchesOne(
  one: ListedContainer,
  key: string,
  value: string,
  all: readonly ListedContainer[],
): boolean {
  const { record, state, request } = one
  switch (key) {
    case 'ancestor':
      return (
        record.image?.id.includes(value) === true ||
        imageOf(one)
          .replace(/:latest$/, '')
          .endsWith(value.replace(/:latest$/, ''))
      )
    case 'before':
      return record.created < createdOf(value, all)
    case 'since':
      return record.created > createdOf(value, all)
    case 'exited':
      return state.status === 'exited' && state.exitCode === Number(value)
    case 'id':
      return record.id.startsWith(value)
    case 'name':
      return new RegExp(value).test(record.name)
    case 'network':
      return (request.network[0] ?? 'slirp4netns').split(':')[0] === value
    case 'status':
      return state.status === value
    case 'volume':
      return record.volumes.includes(value) || request.mounts.some((mount) => mount.target === value)
    default:
      return false
  }
}

function createdOf(name: string, all: readonly ListedContainer[]): string {
  const found = all.find(({ record }) => record.name === name || record.id.startsWith(name))
  if (!found)
    throw new BryoError('NOT_FOUND', `no container with name or ID "${name}" found: no such container`)
  return found.record.created
}

const SORT_KEYS: Readonly<Record<string, (one: ListedContainer) => string>> = {
  command: ({ record }) => record.command.join(' '),
  id: ({ record }) => record.id,
  image: imageOf,
  names: ({ record }) => record.name,
  status: ({ state }) => state.status,
}

function sortRows(rows: readonly ListedContainer[], key: string): readonly ListedContainer[] {
  const keyOf = SORT_KEYS[key]
  return keyOf ? rows.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : rows
}

function templateFields(row: Row): Readonly<Record<string, unknown>> {
  const { record, request, state } = row
  return {
    ID: row.id,
    Image: imageOf(row),
    ImageID: record.image?.id ?? '',
    Command: row.command,
    Created: row.runningFor,
    CreatedAt: record.created,
    RunningFor: row.runningFor,
    Status: row.status,
    State: state.status,
    Ports: row.ports.join(', '),
    Names: record.name,
    Labels: Object.entries(request.labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(','),
    Label: (name: string) => request.labels[name] ?? '',
    Mounts: request.mounts.map((mount) => mount.target).join(','),
    Networks: request.network[0] ?? 'slirp4netns',
    Size: row.size,
    Pid: isUp(row) && 'process' in state ? state.process.pid : 0,
    ExitCode: state.status === 'exited' ? (state.exitCode ?? -1) : 0,
  }
}

function jsonFields(row: Row): unknown {
  const { record, request, state } = row
  return {
    Id: record.id,
    Names: [record.name],
    Image: imageOf(row),
    ImageID: record.image?.id ?? '',
    Command: record.command,
    Created: Math.floor(Date.parse(record.created) / 1000),
    CreatedAt: row.runningFor,
    State: state.status,
    Status: row.status,
    ExitCode: state.status === 'exited' ? (state.exitCode ?? -1) : 0,
    Exited: state.status === 'exited',
    Pid: 'process' in state ? state.process.pid : 0,
    Ports: row.ports,
    Labels: request.labels,
    Mounts: request.mounts.map((mount) => mount.target),
    AutoRemove: record.autoRemove,
    ...(row.size !== '' && { Size: row.size }),
  }
}
