import { dataField, evaluate } from './evaluate.ts'
import { FUNCTIONS, type TemplateFunction } from './functions.ts'
import { parseTemplate } from './parser.ts'

/** A template that was read once and is applied to each row. */
export interface Template {
  /** @throws BryoError USAGE where the template asks for what the data does not have */
  readonly render: (data: unknown) => string
  /** The line of headings: each field gives the title of its column, functions give their argument. */
  readonly renderHeader: (titles: Readonly<Record<string, string>>) => string
}

/** @throws BryoError USAGE */
export function compileTemplate(source: string): Template {
  const nodes = parseTemplate(source)
  return {
    render: (data) => evaluate(nodes, data, { functions: FUNCTIONS, field: dataField }),
    renderHeader: (titles) => {
      const field = (_: unknown, name: string): unknown =>
        name === 'Label' ? (label: unknown) => String(label) : (titles[name] ?? heading(name))
      return evaluate(nodes, '', { functions: HEADER_FUNCTIONS, field })
    },
  }
}

/** `REPO TAGS` for `RepoTags`. */
export function heading(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toUpperCase()
}

const argumentItself: TemplateFunction = (first) => first
const KEPT = new Set(['print', 'printf', 'println', 'eq', 'ne', 'not', 'pad'])

const HEADER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = Object.fromEntries(
  Object.entries(FUNCTIONS).map(([name, own]) => [name, KEPT.has(name) ? own : argumentItself]),
)
