/** What is written by hand for a page: its sections in order, and further words about single options. */
export interface PageProse {
  readonly sections: readonly Section[]
  /** By the option's long name. */
  readonly notes: ReadonlyMap<string, string>
}

export interface Section {
  /** `DESCRIPTION`; `OPTIONS` marks where the generated list stands. */
  readonly title: string
  readonly text: string
  readonly subsections: readonly { readonly title: string; readonly text: string }[]
}

const OPTIONS = 'OPTIONS'

/**
 * Splits a page's Markdown at `# TITLE` and `## Title`. Below `# OPTIONS`, `## --name` is about an option.
 * @throws an Error for text before the first title
 */
export function parseProse(markdown: string): PageProse {
  const notes = new Map<string, string>()
  const sections = splitAt(markdown, '# ').map(({ title, text }): Section => {
    const [before = '', ...rest] = text.split(/^(?=## )/m)
    const subsections = rest.flatMap((part) => splitAt(part, '## '))
    if (title !== OPTIONS) return { title, text: before, subsections }
    for (const note of subsections) notes.set(optionName(note.title), note.text)
    return { title, text: before, subsections: [] }
  })
  return { sections, notes }
}

function optionName(title: string): string {
  const name = /^--([a-z0-9-]+)$/.exec(title)?.[1]
  if (name === undefined) throw new Error(`"## ${title}" below "# OPTIONS", expected "## --name"`)
  return name
}

function splitAt(markdown: string, mark: '# ' | '## '): readonly { title: string; text: string }[] {
  const [before = '', ...parts] = `\n${markdown}`.split(`\n${mark}`)
  if (before.trim() !== '') throw new Error(`text before the first title: "${before.trim().slice(0, 40)}"`)
  return parts.map((part) => {
    const end = part.indexOf('\n')
    return end === -1
      ? { title: part, text: '' }
      : { title: part.slice(0, end).trim(), text: part.slice(end + 1) }
  })
}
