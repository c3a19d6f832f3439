import { BryoError } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import { type DiskUsage, diskUsage } from '../../engine/system/df.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { formatRows } from '../format/rows.ts'
import { formatTable } from '../format/tabwriter.ts'
import { humanAgo, humanSize } from '../format/units.ts'
import { SYSTEM_DF_FLAGS } from '../options/system.ts'
import { writeOut } from '../output.ts'
import { printable } from '../report.ts'

interface Row {
  readonly type: string
  readonly total: number
  readonly active: number
  readonly size: number
  readonly reclaimable: number
}

export const command = defineCommand({
  usage: '[options]',
  description:
    'Shows what images, containers and volumes take on the disk, and what pruning would give back.',
  examples: ['system df', 'system df --verbose', "system df --format '{{.Type}} {{.Reclaimable}}'"],
  flags: SYSTEM_DF_FLAGS,
  args: { min: 0, max: 0 },
  run: async ({ flags, context }) => {
    if (flags.verbose && flags.format !== undefined) {
      throw new BryoError('USAGE', 'cannot combine --format and --verbose flags')
    }
    const usage = diskUsage(engineOf(context))
    if (flags.verbose) {
      writeOut(details(usage, Date.now()))
      return 0
    }
    writeOut(
      await formatRows(summary(usage), {
        columns: COLUMNS,
        format: flags.format,
        noHeading: false,
        fields: templateFields,
        json: templateFields,
        jsonLines: context.program === 'docker',
      }),
    )
    return 0
  },
})

const COLUMNS = [
  { title: 'TYPE', cell: (row: Row) => row.type },
  { title: 'TOTAL', cell: (row: Row) => String(row.total) },
  { title: 'ACTIVE', cell: (row: Row) => String(row.active) },
  { title: 'SIZE', cell: (row: Row) => humanSize(row.size) },
  { title: 'RECLAIMABLE', cell: reclaimable },
]

function summary({ images, imagesSize, imagesReclaimable, containers, volumes }: DiskUsage): readonly Row[] {
  const sum = (some: readonly { readonly size: number }[]) => some.reduce((bytes, one) => bytes + one.size, 0)
  return [
    {
      type: 'Images',
      total: images.length,
      active: images.filter((image) => image.containers > 0).length,
      size: imagesSize,
      reclaimable: imagesReclaimable,
    },
    {
      type: 'Containers',
      total: containers.length,
      active: containers.filter((one) => one.isActive).length,
      size: sum(containers),
      reclaimable: sum(containers.filter((one) => !one.isActive)),
    },
    {
      type: 'Local Volumes',
      total: volumes.length,
      active: volumes.filter((one) => one.links > 0).length,
      size: sum(volumes),
      reclaimable: sum(volumes.filter((one) => one.links === 0)),
    },
  ]
}

function reclaimable(row: Row): string {
  const percent = row.size === 0 ? 0 : Math.round((row.reclaimable / row.size) * 100)
  return `${humanSize(row.reclaimable)} (${percent}%)`
}

function templateFields(row: Row): Readonly<Record<string, unknown>> {
  return {
    Type: row.type,
    Total: row.total,
    TotalCount: row.total,
    Active: row.active,
    RawSize: row.size,
    RawReclaimable: row.reclaimable,
    Size: humanSize(row.size),
    Reclaimable: reclaimable(row),
  }
}

function details(usage: DiskUsage, now: number): string {
  return [
    ['Images', imageRows(usage, now)] as const,
    ['Containers', containerRows(usage, now)] as const,
    ['Local Volumes', volumeRows(usage)] as const,
  ]
    .map(([title, rows]) => `${title} space usage:\n\n${formatTable(rows)}`)
    .join('\n')
}

function imageRows({ images }: DiskUsage, now: number): readonly (readonly string[])[] {
  const rows = images.flatMap(({ image, size, shared, containers }) => {
    const names = image.names.length === 0 ? ['<none>:<none>'] : image.names
    return names.map((name) => {
      const colon = name.lastIndexOf(':')
      return [
        ...[name.slice(0, colon), name.slice(colon + 1), shortId(image.id)],
        ...[humanAgo(Date.parse(image.created), now), humanSize(size), humanSize(shared)],
        ...[humanSize(size - shared), String(containers)],
      ]
    })
  })
  return [
    ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE', 'CONTAINERS'],
    ...rows,
  ]
}

function containerRows({ containers }: DiskUsage, now: number): readonly (readonly string[])[] {
  const rows = containers.map(({ container: { record, state }, volumes, size }) => [
    ...[shortId(record.id), shortId(record.image?.id ?? '')],
    ...[printable(record.command.join(' ')).slice(0, 20), String(volumes), humanSize(size)],
    ...[humanAgo(Date.parse(record.created), now), state.status, record.name],
  ])
  return [
    ['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES', 'SIZE', 'CREATED', 'STATUS', 'NAMES'],
    ...rows,
  ]
}

function volumeRows({ volumes }: DiskUsage): readonly (readonly string[])[] {
  const rows = volumes.map(({ name, links, size }) => [name, String(links), humanSize(size)])
  return [['VOLUME NAME', 'LINKS', 'SIZE'], ...rows]
}
