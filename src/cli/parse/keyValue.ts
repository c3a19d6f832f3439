export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** `key=value`. */
export function parseKeyValue(text: string): KeyValue {
  const equals = text.indexOf('=')
  if (equals < 1) throw new Error('expected key=value')
  return { key: text.slice(0, equals), value: text.slice(equals + 1) }
}

/** `key=value`, or a key alone with an empty value. */
export function parseLabel(text: string): KeyValue {
  if (text === '' || text.startsWith('=')) throw new Error('expected key=value or key')
  return text.includes('=') ? parseKeyValue(text) : { key: text, value: '' }
}

/** A record without a prototype: keys come from the user, and `__proto__` is a key as any other. */
export function toRecord(pairs: readonly KeyValue[]): Readonly<Record<string, string>> {
  const record: Record<string, string> = Object.create(null)
  for (const { key, value } of pairs) record[key] = value
  return record
}

/** Labels of a file: one on each line, empty lines and comments left out. */
export function parseLabelFile(content: string): readonly KeyValue[] {
  return content
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseLabel)
}
