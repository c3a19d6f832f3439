import { formatJson, isJsonFormat } from './rows.ts'

export type Document = Readonly<Record<string, unknown>>

/**
 * The text of an `inspect` command: an array of the documents, or a line of a Go template for each.
 * @param absent what a template may ask for although a document leaves it out where it says nothing
 */
export async function formatDocuments(
  documents: readonly Document[],
  format: string | undefined,
  absent: Document = {},
): Promise<string> {
  if (format === undefined || isJsonFormat(format)) return formatJson(documents)
  const { compileTemplate } = await import('../template/template.ts')
  const { dictionaries } = await import('../template/value.ts')
  const template = compileTemplate(format)
  return documents
    .map((document) => {
      // Empty parts are left out of a document, so only its own members are known for certain.
      const members = Object.entries({ ...absent, ...document }).map(([key, value]) => [
        key,
        dictionaries(value),
      ])
      return `${template.render(Object.fromEntries(members))}\n`
    })
    .join('')
}
