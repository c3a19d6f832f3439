import { BryoError } from '../../base/errors.ts'
import { listRepositoryTags, searchImages } from '../../engine/image/search.ts'
import type { SearchResult } from '../../image/registry/search.ts'
import { defineCommand } from '../command.ts'
import { engineOf } from '../engine.ts'
import { type Filters, parseFilters } from '../filter.ts'
import { formatJson, formatRows, isJsonFormat } from '../format/rows.ts'
import { SEARCH_FLAGS } from '../options/registry.ts'
import { writeOut } from '../output.ts'
import { registrySettings } from '../registrySettings.ts'

export const command = defineCommand({
  usage: '[options] TERM',
  description:
    'Asks a registry for repositories by a word, or for the tags of one. Without a registry in TERM it is docker.io.',
  examples: ['search nginx', 'search registry.example.org/app', 'search --list-tags alpine'],
  flags: SEARCH_FLAGS,
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [term = ''], context }) => {
    const limit = flags.limit || DEFAULT_LIMIT
    const settings = { ...registrySettings(flags), term, limit }
    const rows = flags.listTags
      ? await tagRows(engineOf(context), settings, flags.filter)
      : await resultRows(engineOf(context), settings, flags)
    if (flags.listTags && isJsonFormat(flags.format) && context.program !== 'docker') {
      const [first] = rows
      writeOut(formatJson(first ? [{ Name: first.Name, Tags: rows.map(({ Tag }) => Tag) }] : []))
      return 0
    }
    writeOut(
      await formatRows(rows, {
        columns: [
          { title: 'NAME', cell: (row) => row.Name },
          flags.listTags
            ? { title: 'TAG', cell: (row) => row.Tag }
            : { title: 'DESCRIPTION', cell: (row) => row.Description },
        ],
        format: flags.format,
        noHeading: false,
        fields: (row) => ({ ...row }),
        json: (row) => row,
        jsonLines: context.program === 'docker',
      }),
    )
    return 0
  },
})

const DEFAULT_LIMIT = 25
const DESCRIPTION_WIDTH = 44
const KEYS = ['stars', 'is-official', 'is-automated'] as const

/** With the names that templates have for the fields. */
interface Row {
  readonly Index: string
  readonly Name: string
  readonly Description: string
  readonly Stars: number
  readonly Official: string
  readonly Automated: string
  readonly Tag: string
}

type Engine = Parameters<typeof searchImages>[0]
type Settings = Parameters<typeof searchImages>[1]

async function resultRows(
  engine: Engine,
  settings: Settings,
  flags: { readonly filter: readonly string[]; readonly noTrunc: boolean },
): Promise<readonly Row[]> {
  // A word alone means that it is so.
  const given = flags.filter.map((text) => (/^is-[a-z]+$/.test(text) ? `${text}=true` : text))
  const filters = parseFilters(given, KEYS)
  checkFilters(filters)
  const found = await searchImages(engine, settings)
  return found
    .filter((result) => fits(filters, result))
    .map((result) => ({
      Index: result.name.split('/')[0] ?? '',
      Name: result.name,
      Description: flags.noTrunc ? result.description : shorten(result.description),
      Stars: result.stars,
      Official: result.official ? '[OK]' : '',
      Automated: result.automated ? '[OK]' : '',
      Tag: '',
    }))
}

async function tagRows(
  engine: Engine,
  settings: Settings,
  filter: readonly string[],
): Promise<readonly Row[]> {
  if (filter.length > 0) throw new BryoError('USAGE', 'filters are not applicable to list tags result')
  const { name, tags } = await listRepositoryTags(engine, settings)
  const none = { Description: '', Stars: 0, Official: '', Automated: '' }
  return tags.map((Tag) => ({ Index: name.split('/')[0] ?? '', Name: name, Tag, ...none }))
}

/** @throws BryoError USAGE */
function checkFilters(filters: Filters): void {
  for (const [key, values] of filters) {
    const [form, wanted] = key === 'stars' ? [/^\d+$/, 'a number'] : [/^(?:true|false)$/, 'true or false']
    const wrong = values.find((value) => !form.test(value))
    if (wrong !== undefined)
      throw new BryoError('USAGE', `invalid filter "${key}=${wrong}", expected ${wanted}`)
  }
}

function fits(filters: Filters, result: SearchResult): boolean {
  return [...filters].every(([key, values]) =>
    values.every((value) => {
      if (key === 'stars') return result.stars >= Number(value)
      return (key === 'is-official' ? result.official : result.automated) === (value === 'true')
    }),
  )
}

function shorten(text: string): string {
  return text.length > DESCRIPTION_WIDTH ? `${text.slice(0, DESCRIPTION_WIDTH)}...` : text
}
