import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { portsText } from '../../src/cli/format/ports.ts'
import { formatRows, isJsonFormat, type RowsOptions } from '../../src/cli/format/rows.ts'
import { alignTabs, DOCKER_TABLE, formatTable } from '../../src/cli/format/tabwriter.ts'
import { formatGoTime, goSeconds } from '../../src/cli/format/time.ts'
import { humanAgo, humanBinarySize, humanDuration, humanSize } from '../../src/cli/format/units.ts'

describe('tables', () => {
  it('pads columns to 12 at least and by 2, but not the last one; as docker to 10 and by 3', () => {
    const rows = [
      ['NAME', 'DESCRIPTION', 'ERROR'],
      ['default', 'Current host', 'x'],
    ]
    expect(formatTable(rows)).toBe('NAME        DESCRIPTION   ERROR\ndefault     Current host  x\n')
    expect(formatTable(rows, DOCKER_TABLE)).toBe(
      'NAME      DESCRIPTION    ERROR\ndefault   Current host   x\n',
    )
  })

  it('keeps an empty column in its place', () => {
    expect(
      formatTable([
        ['A', '', 'B'],
        ['a', '', 'b'],
      ]),
    ).toBe('A                       B\na                       b\n')
  })

  it('keeps tabs and line breaks of a cell from breaking the table', () => {
    expect(formatTable([['a\tb\nc', 'd']])).toBe('a b c       d\n')
  })

  it('aligns runs of lines that share a column, apart from others', () => {
    expect(alignTabs('longer than ten\tx\nno column\na\tb')).toBe(
      'longer than ten  x\nno column\na           b',
    )
  })

  it('counts characters, not bytes', () => {
    expect(alignTabs('ünïcödé-läng\tx\nabcdefghijkl\tx')).toBe('ünïcödé-läng  x\nabcdefghijkl  x')
  })

  it('gives each cell back after trimming, whatever it holds', () => {
    const cell = fc.string({ maxLength: 15 }).map((text) => text.replace(/[\s\u0000-\u001f]/g, '_'))
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const lines = formatTable(rows).slice(0, -1).split('\n')
        const width = Math.max(12, ...rows.map(([first]) => [...first].length + 2))
        expect(lines).toEqual(rows.map(([a, b]) => `${a}${' '.repeat(width - [...a].length)}${b}`))
      }),
    )
  })
})

describe('units', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [1_982_256, '1.98MB'],
    [123_456_789, '123MB'],
    [1e12, '1TB'],
  ])('humanSize() shows %d bytes as %s', (bytes, text) => {
    expect(humanSize(bytes)).toBe(text)
  })

  it('humanBinarySize() counts by 1024', () => {
    expect(humanBinarySize(64 * 1024 * 1024)).toBe('64MiB')
    expect(humanBinarySize(1_610_612_736)).toBe('1.5GiB')
  })

  it.each([
    [999, 'Less than a second'],
    [1000, '1 second'],
    [59_999, '59 seconds'],
    [60_000, 'About a minute'],
    [59 * 60_000, '59 minutes'],
    [60 * 60_000, 'About an hour'],
    [47 * 3_600_000, '47 hours'],
    [48 * 3_600_000, '2 days'],
    [14 * 86_400_000, '2 weeks'],
    [60 * 86_400_000, '2 months'],
    [800 * 86_400_000, '2 years'],
  ])('humanDuration() shows %d ms as %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text)
  })

  it('humanAgo() takes a clock that runs behind for now', () => {
    expect(humanAgo(5000, 0)).toBe('Less than a second ago')
  })
})

interface Row {
  readonly id: string
  readonly names: readonly string[]
}

const ROWS: readonly Row[] = [
  { id: 'abc', names: ['x', 'y'] },
  { id: 'defghijklmno', names: [] },
]

function options(format: string | undefined, rest: Partial<RowsOptions<Row>> = {}): RowsOptions<Row> {
  return {
    columns: [
      { title: 'ID', cell: (row) => row.id },
      { title: 'NAMES', cell: (row) => row.names.join(',') },
    ],
    format,
    noHeading: false,
    fields: (row) => ({ ID: row.id, Names: row.names, Label: (key: string) => `${key}!` }),
    titles: { ID: 'CONTAINER ID' },
    json: (row) => ({ Id: row.id }),
    jsonLines: false,
    ...rest,
  }
}

describe('--format of a list', () => {
  it('prints the usual table where nothing else is asked for', async () => {
    const table = 'ID            NAMES\nabc           x,y\ndefghijklmno  \n'
    expect(await formatRows(ROWS, options(undefined))).toBe(table)
    expect(await formatRows(ROWS, options('table'))).toBe(table)
    expect(await formatRows([], options(undefined))).toBe('ID          NAMES\n')
    expect(await formatRows([], options(undefined, { noHeading: true }))).toBe('')
  })

  it('prints one JSON list, or a line for each row where Docker is expected', async () => {
    expect(JSON.parse(await formatRows(ROWS, options('json')))).toEqual([
      { Id: 'abc' },
      { Id: 'defghijklmno' },
    ])
    expect(await formatRows([], options('{{json .}}'))).toBe('[]\n')
    expect(await formatRows(ROWS.slice(0, 1), options('json', { jsonLines: true }))).toBe(
      '{"ID":"abc","Names":["x","y"]}\n',
    )
    expect(isJsonFormat('{{ json . }}')).toBe(true)
    expect(isJsonFormat('{{json .ID}}')).toBe(false)
  })

  it('prints a line of the template for each row, with its tabs as they are', async () => {
    expect(await formatRows(ROWS, options('{{.ID}}\\t{{len .Names}}'))).toBe('abc\t2\ndefghijklmno\t0\n')
    expect(await formatRows(ROWS, options('{{.Label "k"}}\n'))).toBe('k!\nk!\n')
  })

  it('prints a table of a template, with headings of the fields', async () => {
    const text = await formatRows(ROWS, options('table {{.ID}}\\t{{join .Names ","}}\\t{{.Label "team"}}'))
    expect(text).toBe(
      'CONTAINER ID  NAMES       team\nabc           x,y         team!\ndefghijklmno              team!\n',
    )
    expect(await formatRows(ROWS, options('table {{.ID}}', { noHeading: true }))).toBe('abc\ndefghijklmno\n')
  })

  it('takes spaces between the fields of a table for the end of a column', async () => {
    expect(await formatRows(ROWS.slice(0, 1), options('table {{.ID}}  {{upper .ID}}'))).toBe(
      'CONTAINER ID  CONTAINER ID\nabc           ABC\n',
    )
  })

  it('gives the whole list to a template that ranges over it', async () => {
    expect(await formatRows(ROWS, options('{{range .}}{{.ID}},{{end}}'))).toBe('abc,defghijklmno,\n')
  })
})

describe('portsText()', () => {
  const port = (hostPort: number, containerPort: number, protocol: 'tcp' | 'udp' = 'tcp', hostIp = '') => ({
    hostIp,
    hostPort,
    containerPort,
    protocol,
  })

  it('shows ports that follow each other as a range', () => {
    expect(portsText([port(8081, 81), port(8080, 80), port(9000, 82)])).toBe(
      '0.0.0.0:8080-8081->80-81/tcp, 0.0.0.0:9000->82/tcp',
    )
  })

  it('keeps protocols and addresses apart, and those that any host port will do for', () => {
    expect(portsText([port(53, 53, 'udp'), port(54, 54), port(1, 1, 'tcp', '::1')])).toBe(
      '0.0.0.0:54->54/tcp, [::1]:1->1/tcp, 0.0.0.0:53->53/udp',
    )
    expect(portsText([port(0, 1), port(0, 2)])).toBe('0.0.0.0:0->1/tcp, 0.0.0.0:0->2/tcp')
    expect(portsText([])).toBe('')
  })
})

describe('times', () => {
  it('formatGoTime() gives date, time, offset and zone', () => {
    const text = formatGoTime(Date.UTC(2026, 4, 1, 12, 0, 0, 250))
    expect(text).toMatch(/^2026-0\d-\d\d \d\d:\d\d:00\.25 [+-]\d{4} (?:UTC|[+-]\d{4})$/)
  })

  it("goSeconds() gives Go's number for no time", () => {
    expect(goSeconds(undefined)).toBe(-62_135_596_800)
    expect(goSeconds('1970-01-01T00:00:01.9Z')).toBe(1)
  })
})
