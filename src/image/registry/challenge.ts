/** One entry of WWW-Authenticate. @see https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}

const MAX_HEADER = 8192
const SCHEME = /^[\s,]*([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*)(?:\s+|$|(?=,))/
const PARAMETER = /^[\s,]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/

/** Reads what it can and leaves out the rest; an overlong header gives nothing. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = []
  if (header.length > MAX_HEADER) return challenges
  let rest = header
  for (;;) {
    const scheme = SCHEME.exec(rest)
    if (!scheme?.[1]) return challenges
    rest = rest.slice(scheme[0].length)
    const parameters: [string, string][] = []
    for (;;) {
      const parameter = PARAMETER.exec(rest)
      if (!parameter?.[1]) break
      rest = rest.slice(parameter[0].length)
      const value = parameter[2]?.replace(/\\(.)/g, '$1') ?? parameter[3] ?? ''
      parameters.push([parameter[1].toLowerCase(), value])
    }
    challenges.push({ scheme: scheme[1].toLowerCase(), parameters: Object.fromEntries(parameters) })
  }
}
