import { locateErrors } from './error.ts'
import { dataField, type Environment, evaluate } from './evaluate.ts'
import { FUNCTIONS, type TemplateFunction } from './functions.ts'
import { parseTemplate } from './parser.ts'

/** A template that was read once and is applied to each row. */
export interface Template {
  /** @throws BryoError USAGE where the template asks for what the data does not have */
  readonly render: (data: unknown) => string
  /** The line of headings: each field gives the title of its column, functions give their argument. */
  readonly renderHeader: (titles: Readonly<Record<string, string>>) => string
}

/** @param name of the command, for messages. @throws BryoError USAGE */
export function compileTemplate(source: string, name = 'format'): Template {
  const template = locateErrors(name, source, () => parseTemplate(source, isFunction))
  const run = (data: unknown, environment: Environment) =>
    locateErrors(name, source, () => evaluate(template, data, environment))
  return {
    render: (data) => run(data, { functions: FUNCTIONS, field: dataField }),
    renderHeader: (titles) => {
      const title = (_: unknown, field: string): unknown =>
        field === 'Label' ? (label: unknown) => String(label) : (titles[field] ?? heading(field))
      return run('', { functions: HEADER_FUNCTIONS, field: title })
    },
  }
}

/** `and` and `or` are the evaluator's own. */
function isFunction(name: string): boolean {
  return name === 'and' || name === 'or' || Object.hasOwn(FUNCTIONS, name)
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
