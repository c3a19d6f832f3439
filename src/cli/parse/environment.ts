type HostEnvironment = Readonly<Record<string, string | undefined>>

/**
 * One `--env`: `NAME=value`; `NAME` takes the caller's value, and nothing where it has none; `NAME*` takes all
 * whose names begin so.
 * @returns lines of the form `NAME=value`
 */
export function parseEnv(text: string, host: HostEnvironment): readonly string[] {
  if (text.includes('\0')) throw new Error('expected a text without NUL')
  const equals = text.indexOf('=')
  if (text === '' || equals === 0) throw new Error('expected NAME=value or NAME')
  if (equals !== -1) return [text]
  if (text.endsWith('*')) {
    const start = text.slice(0, -1)
    return Object.keys(host)
      .filter((name) => name.startsWith(start))
      .map((name) => `${name}=${host[name] ?? ''}`)
  }
  const value = Object.hasOwn(host, text) ? host[text] : undefined
  return value === undefined ? [] : [`${text}=${value}`]
}

/**
 * The lines of an `--env-file`: each one as {@link parseEnv} reads it; the value is taken as it is, quotes and
 * spaces included. Empty lines and lines that begin with # are left out.
 */
export function parseEnvFile(content: string, host: HostEnvironment): readonly string[] {
  return content
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      const entry = line.trimStart()
      if (entry === '' || entry.startsWith('#')) return []
      const [name = ''] = entry.split('=', 1)
      const bare = entry.includes('=') ? name : name.trimEnd()
      if (/\s/.test(bare)) throw new Error(`line ${index + 1}: the name "${bare}" contains whitespace`)
      try {
        return parseEnv(entry.includes('=') ? entry : bare, host)
      } catch (error) {
        throw new Error(`line ${index + 1}: ${error instanceof Error ? error.message : error}`)
      }
    })
}

/** Keeps the last value of each name, at the place of the first. */
export function mergeEnv(lines: readonly string[]): readonly string[] {
  const byName = new Map<string, string>()
  for (const line of lines) byName.set(line.slice(0, line.indexOf('=')), line)
  return [...byName.values()]
}
