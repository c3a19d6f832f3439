import { shortId } from '../../base/shortId.ts'
import { type HistoryStep, imageHistory } from '../../engine/image/history.ts'
import { localImageName } from '../../engine/registry/localName.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { type Column, formatRows } from '../format/rows.ts'
import { humanAgo, humanSize } from '../format/units.ts'
import { HISTORY_FLAGS } from '../options/imageFacts.ts'
import { writeOut } from '../output.ts'

/** A step as it is shown. */
interface Row {
  readonly step: HistoryStep
  readonly id: string
  readonly created: string
  readonly createdBy: string
  readonly size: string
}

export const command = defineCommand({
  usage: '[options] IMAGE',
  description: 'Shows how an image was made, the last step first.',
  examples: ['history alpine', "history --no-trunc --format '{{.CreatedBy}}' alpine"],
  flags: HISTORY_FLAGS,
  args: { min: 1, max: 1, completion: { kind: 'names', of: ['images'] } },
  run: async ({ flags, args: [name = ''], context }) => {
    const now = Date.now()
    const noTrunc = flags.noTrunc || flags.notruncate
    const engine = engineOf(context)
    const rows = imageHistory(engine, await localImageName(engine, name)).map((step) =>
      toRow(step, { noTrunc, human: flags.human, now }),
    )
    if (flags.quiet) {
      writeOut(rows.map(({ id }) => `${id}\n`).join(''))
      return 0
    }
    writeOut(
      await formatRows(rows, {
        columns: COLUMNS.map((column) =>
          column.title === 'CREATED' && !flags.human ? { ...column, title: 'CREATED AT' } : column,
        ),
        format: flags.format,
        noHeading: false,
        fields: templateFields,
        titles: { CreatedBy: 'CREATED BY', CreatedSince: 'CREATED', CreatedAt: 'CREATED AT' },
        json: stepJson,
        jsonLines: context.program === 'docker',
      }),
    )
    return 0
  },
})

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', cell: (row) => row.id },
  { title: 'CREATED', cell: (row) => row.created },
  { title: 'CREATED BY', cell: (row) => row.createdBy },
  { title: 'SIZE', cell: (row) => row.size },
  { title: 'COMMENT', cell: (row) => row.step.comment },
]

const SHORT_COMMAND = 45

interface RowWords {
  readonly noTrunc: boolean
  readonly human: boolean
  readonly now: number
}

function toRow(step: HistoryStep, { noTrunc, human, now }: RowWords): Row {
  const hex = step.id?.slice('sha256:'.length) ?? '<missing>'
  const since = step.created === undefined ? 'N/A' : humanAgo(Date.parse(step.created), now)
  const oneLine = step.createdBy.replace(/\s+/g, ' ')
  return {
    step,
    id: noTrunc ? hex : step.id === undefined ? hex : shortId(hex),
    created: human ? since : (step.created ?? 'N/A'),
    createdBy:
      noTrunc || oneLine.length <= SHORT_COMMAND ? oneLine : `${oneLine.slice(0, SHORT_COMMAND - 3)}...`,
    size: human ? humanSize(step.size) : String(step.size),
  }
}

function templateFields(row: Row): Readonly<Record<string, unknown>> {
  const { step } = row
  return {
    ID: row.id,
    Created: row.created,
    CreatedSince: row.created,
    CreatedAt: step.created ?? '',
    CreatedBy: row.createdBy,
    Size: row.size,
    Comment: step.comment,
    Tags: step.names,
  }
}

function stepJson({ step }: Row): unknown {
  return {
    id: step.id?.slice('sha256:'.length) ?? '<missing>',
    created: step.created ?? null,
    ...(step.createdBy === '' ? {} : { CreatedBy: step.createdBy }),
    size: step.size,
    comment: step.comment,
    tags: step.names,
  }
}
