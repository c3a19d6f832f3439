import { alignTabs, DOCKER_TABLE, formatTable, PODMAN_TABLE } from './tabwriter.ts'

/** One column of a list's usual table. */
export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string
}

export interface RowsOptions<Row> {
  readonly columns: readonly Column<Row>[]
  /** What `--format` said; undefined for the usual table. */
  readonly format: string | undefined
  readonly noHeading: boolean
  /** The record behind `{{.Name}}` of a template. */
  readonly fields: (row: Row) => Readonly<Record<string, unknown>>
  /** Headings for `--format 'table ...'`; other fields get their own name in capitals. */
  readonly titles?: Readonly<Record<string, string>>
  /** The object for `--format json`. */
  readonly json: (row: Row) => unknown
  /** Docker's ways: `--format json` prints the template fields of each row on a line of its own; its tables' spacing. */
  readonly jsonLines: boolean
}

const WHOLE_JSON = /^\s*(?:json|\{\{\s*json\s*\.?\s*\}\})\s*$/
const WHOLE_LIST = /^\s*\{\{-?\s*range\s+\.\s*-?\}\}/

/** The text of a list as `--format` asks for it: a table, JSON, or a line of a Go template for each row. */
export async function formatRows<Row>(rows: readonly Row[], options: RowsOptions<Row>): Promise<string> {
  const { format } = options
  if (format === undefined || format.trim() === 'table') return usualTable(rows, options)
  if (isJsonFormat(format)) {
    return options.jsonLines ? jsonLines(rows.map(options.fields)) : formatJson(rows.map(options.json))
  }
  const { compileTemplate } = await import('../template/template.ts')
  if (WHOLE_LIST.test(format)) return ended(compileTemplate(format).render(rows.map(options.fields)))
  if (!format.startsWith('table ')) {
    const template = compileTemplate(format)
    return rows.map((row) => ended(template.render(options.fields(row)))).join('')
  }
  const template = compileTemplate(spacesToTabs(format.slice('table '.length).trim()))
  const lines = rows.map((row) => template.render(options.fields(row)))
  if (!options.noHeading) lines.unshift(template.renderHeader(options.titles ?? {}))
  return lines.length === 0 ? '' : `${alignTabs(lines.join('\n'), styleOf(options))}\n`
}

function usualTable<Row>(rows: readonly Row[], options: RowsOptions<Row>): string {
  const lines = rows.map((row) => options.columns.map((column) => column.cell(row)))
  if (!options.noHeading) lines.unshift(options.columns.map((column) => column.title))
  return formatTable(lines, styleOf(options))
}

function styleOf({ jsonLines: docker }: { readonly jsonLines: boolean }) {
  return docker ? DOCKER_TABLE : PODMAN_TABLE
}

/** The list as Podman prints it: indented by four spaces, `[]` where it is empty. */
export function formatJson(items: readonly unknown[]): string {
  return `${JSON.stringify(items, null, 4)}\n`
}

/** Docker's way: each row's template fields as an object on a line of its own. */
function jsonLines(items: readonly unknown[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('')
}

/** `json`, or a template that says the same. */
export function isJsonFormat(format: string | undefined): boolean {
  return format !== undefined && WHOLE_JSON.test(format)
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}

/** In a table, spaces between two actions separate columns, as in `table {{.ID}} {{.Names}}`. */
function spacesToTabs(format: string): string {
  return format.replace(/\}\} +\{\{/g, '}}\t{{')
}
