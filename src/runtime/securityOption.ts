import { BryoError } from '../base/errors.ts'
import type { SeccompChoice } from './seccomp/load.ts'
import type { SelinuxPart, SelinuxSettings } from './selinux.ts'

export function invalidOption(option: string, expected: string): BryoError {
  return new BryoError('USAGE', `invalid --security-opt "${option}", expected ${expected}`)
}

export function requireValue(option: string, value: string | undefined, expected: string): string {
  if (value === undefined || value === '') throw invalidOption(option, expected)
  return value
}

export function parseBoolean(option: string, value: string | undefined): boolean {
  if (value === undefined || value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw invalidOption(option, 'true or false')
}

export function parseSwitch(option: string, value: string | undefined): boolean {
  if (value === 'on' || value === 'default') return true
  if (value === 'off' || value === 'unconfined') return false
  throw invalidOption(option, 'on or off')
}

export function parseSeccomp(option: string, value: string | undefined): SeccompChoice {
  const text = requireValue(option, value, 'a file, default or unconfined')
  if (text === 'unconfined') return { kind: 'unconfined' }
  if (text === 'default' || text === 'builtin') return { kind: 'default' }
  return { kind: 'file', path: text }
}

const SELINUX_PARTS: readonly SelinuxPart[] = ['user', 'role', 'type', 'level', 'filetype']

export function parseLabel(
  before: SelinuxSettings,
  option: string,
  value: string | undefined,
): SelinuxSettings {
  const expected = `disable, nested, or one of ${SELINUX_PARTS.join(', ')} with a colon and its value`
  const text = requireValue(option, value, expected)
  if (text === 'disable') return { kind: 'disabled' }
  const labelled =
    before.kind === 'labelled' ? before : { kind: 'labelled' as const, nested: false, parts: {} }
  if (text === 'nested') return { ...labelled, nested: true }
  const colon = text.indexOf(':')
  const part = SELINUX_PARTS.find((name) => name === text.slice(0, Math.max(colon, 0)))
  if (part === undefined || colon === text.length - 1) throw invalidOption(option, expected)
  return { ...labelled, parts: { ...labelled.parts, [part]: text.slice(colon + 1) } }
}

export function parsePaths(option: string, value: string | undefined): readonly string[] {
  const expected = 'absolute paths separated by colons'
  const paths = requireValue(option, value, expected).split(':')
  if (!paths.every((path) => /^\/[^\0]+$/.test(path) && !path.split('/').includes('..')))
    throw invalidOption(option, expected)
  return paths.map((path) => path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, ''))
}

/**
 * A shell pattern of `*`, `?` and `[...]`; none of them matches a slash. What stands between two stars is looked for once, at its first place, as no
 * later one could do better: so the time grows with the length alone, however many stars there are.
 * @see glob(7)
 */
export function globToRegExp(pattern: string): RegExp {
  const [first = '', ...rest] = globSegments(pattern)
  const last = rest.pop()
  const middle = rest.map((segment, index) => `(?=([^/]*?${segment}))\\${index + 1}`)
  const end = last === undefined ? '' : `[^/]*${last}`
  try {
    return new RegExp(`^${first}${middle.join('')}${end}$`)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // A range whose end comes before its beginning holds no character.
    return /(?!)/
  }
}

/** What stands before, between and behind the stars, each as a regular expression. */
function globSegments(pattern: string): readonly string[] {
  const segments = ['']
  for (const [token, negated, set] of pattern.matchAll(/\[(!?)([^\]/]+)\]|\*+|\?|[^*?[]|\[/g)) {
    if (token.startsWith('*')) segments.push('')
    else segments.push(`${segments.pop()}${globToken(token, negated, set)}`)
  }
  return segments
}

function globToken(token: string, negated: string | undefined, set: string | undefined): string {
  if (token === '?') return '[^/]'
  if (set === undefined) return token.replace(/[\\^$.|+(){}[\]]/g, '\\$&')
  return `[${negated === '' ? '' : '^/'}${set.replace(/[\\^[\]]/g, '\\$&')}]`
}

const PROC_OPTION = /^(?:hidepid=(?:[0124]|off|noaccess|invisible|ptraceable)|subset=pid|gid=\d{1,10})$/

export function parseProcOptions(option: string, value: string | undefined): readonly string[] {
  const expected = 'hidepid=, subset=pid or gid=, separated by commas'
  const options = requireValue(option, value, expected).split(',')
  if (!options.every((entry) => PROC_OPTION.test(entry))) throw invalidOption(option, expected)
  return options
}
