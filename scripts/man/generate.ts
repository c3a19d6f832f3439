import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { renderPage } from './page.ts'
import { allPages } from './pages.ts'
import { parseProse } from './prose.ts'

export const PROSE_DIRECTORY = new URL('../../docs/man/', import.meta.url)
export const PAGES_DIRECTORY = new URL('../../man/', import.meta.url)

/** Every page's roff by its file name. @throws an Error for a page without prose, and for prose without a page */
export async function generatePages(): Promise<ReadonlyMap<string, string>> {
  const pages = await allPages()
  const orphan = readdirSync(PROSE_DIRECTORY).find((file) => !pages.some(({ name }) => `${name}.md` === file))
  if (orphan !== undefined) throw new Error(`docs/man/${orphan} belongs to no command`)
  return new Map(
    pages.map((facts) => {
      const markdown = readFileSync(new URL(`${facts.name}.md`, PROSE_DIRECTORY), 'utf8')
      return [`${facts.name}.1`, renderPage(facts, parseProse(markdown))]
    }),
  )
}

/** Writes man/, and removes pages of commands that are no more. */
export async function writePages(): Promise<void> {
  const pages = await generatePages()
  for (const [file, text] of pages) writeFileSync(new URL(file, PAGES_DIRECTORY), text)
  for (const file of readdirSync(PAGES_DIRECTORY)) {
    if (file.endsWith('.1') && !pages.has(file)) unlinkSync(new URL(file, PAGES_DIRECTORY))
  }
}
