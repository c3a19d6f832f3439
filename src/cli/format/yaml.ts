/** Words that YAML would take for something else than text. */
const SPECIAL =
  /^(?:|true|false|yes|no|on|off|null|~|[-+.\d].*|.*[:#]\s.*|.*:|[&*!|>%@`"'{}[\],?#-].*|\s.*|.*\s)$/i

/** A document of plain data as YAML: two spaces a level, keys in the order of the data. */
export function formatYaml(value: unknown, depth = 0): string {
  if (Array.isArray(value)) return value.map((item) => listItem(item, depth)).join('')
  return entriesOf(value)
    .map(([key, item]) => `${indent(depth)}${scalarText(key)}:${member(item, depth)}`)
    .join('')
}

function member(value: unknown, depth: number): string {
  if (Array.isArray(value)) return value.length === 0 ? ' []\n' : `\n${formatYaml(value, depth)}`
  if (isMap(value)) return entriesOf(value).length === 0 ? ' {}\n' : `\n${formatYaml(value, depth + 1)}`
  if (typeof value === 'string' && value.includes('\n')) return ` |-\n${block(value, depth + 1)}`
  return ` ${scalar(value)}\n`
}

function listItem(value: unknown, depth: number): string {
  if (!isMap(value)) return `${indent(depth)}- ${scalar(value)}\n`
  return `${indent(depth)}- ${formatYaml(value, depth + 1).slice(indent(depth + 1).length)}`
}

function block(text: string, depth: number): string {
  return text
    .split('\n')
    .map((line) => `${indent(depth)}${line}\n`)
    .join('')
}

function scalar(value: unknown): string {
  return typeof value === 'string' ? scalarText(value) : String(value)
}

function scalarText(text: string): string {
  return SPECIAL.test(text) || /[\u0000-\u001f]/.test(text) ? JSON.stringify(text) : text
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isMap(value) ? Object.entries(value) : []
}

function indent(depth: number): string {
  return '  '.repeat(depth)
}
