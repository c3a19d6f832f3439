/**
 * The command of a health check as images have it: a JSON list is `CMD`, `none` is `NONE`, all else is a line for the shell.
 */
export function parseHealthCommand(text: string): readonly string[] {
  if (text.toLowerCase() === 'none') return ['NONE']
  const list = parseList(text)
  if (!list) return ['CMD-SHELL', text]
  return list[0] === 'CMD' || list[0] === 'CMD-SHELL' || list[0] === 'NONE' ? list : ['CMD', ...list]
}

function parseList(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
    return isList && value.length > 0 ? value : undefined
  } catch {
    // `[ -f /ready ]` is a line for the shell.
    return undefined
  }
}
