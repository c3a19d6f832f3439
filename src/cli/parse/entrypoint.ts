/** `--entrypoint`: a program, a JSON list of words, or nothing at all. */
export function parseEntrypoint(text: string): readonly string[] {
  if (text === '') return []
  if (!text.startsWith('[')) return [text]
  const parsed = parseJson(text)
  if (!Array.isArray(parsed)) return [text]
  const words: readonly unknown[] = parsed
  return words.map((word) => {
    if (typeof word !== 'string') throw new Error('expected a program or a JSON list of strings')
    return word
  })
}

/** Undefined where the text is no JSON: then it is the name of a program. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
