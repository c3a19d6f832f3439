/**
 * Splits one line at its commas. A field in double quotes may hold commas, and two quotes inside it mean one.
 * @see RFC 4180
 */
export function parseCsvRecord(line: string): string[] {
  if (!line.includes('"')) return line.split(',')
  const fields: string[] = []
  let at = 0
  for (;;) {
    const field = line[at] === '"' ? quotedField(line, at) : plainField(line, at)
    fields.push(field.text)
    if (field.end === line.length) return fields
    at = field.end + 1
  }
}

interface Field {
  readonly text: string
  /** Index of the comma behind it, or the length of the line. */
  readonly end: number
}

function plainField(line: string, start: number): Field {
  const comma = line.indexOf(',', start)
  const end = comma === -1 ? line.length : comma
  const text = line.slice(start, end)
  if (text.includes('"')) throw new Error(`unexpected " in "${text}", expected the whole field in quotes`)
  return { text, end }
}

function quotedField(line: string, start: number): Field {
  let text = ''
  let at = start + 1
  for (;;) {
    const quote = line.indexOf('"', at)
    if (quote === -1) throw new Error(`unclosed " in "${line.slice(start)}"`)
    text += line.slice(at, quote)
    at = quote + 1
    if (line[at] !== '"') break
    text += '"'
    at += 1
  }
  if (at < line.length && line[at] !== ',')
    throw new Error(`unexpected text behind " in "${line.slice(start)}"`)
  return { text, end: at }
}
