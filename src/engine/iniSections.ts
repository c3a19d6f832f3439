/** A line `key = value` of a section; `key[] = value` is one too. */
export interface IniEntry {
  readonly section: string
  readonly key: string
  readonly value: string
  /** The line, for messages. */
  readonly line: string
}

/** The entries of bryo.conf, in their order, for who needs a few of them and no parser that has to be loaded. Pure. */
export function readIniEntries(text: string): readonly IniEntry[] {
  const entries: IniEntry[] = []
  let section = ''
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const header = /^\[(.*)\]$/.exec(line)?.[1]
    if (header !== undefined) {
      section = header.trim()
      continue
    }
    const [, key = '', value = ''] = /^([^=[\]]*?)(?:\[\])?\s*=\s*(.*)$/.exec(line) ?? []
    entries.push({ section, key, value: value.replace(/^"(.*)"$/, '$1'), line })
  }
  return entries
}
