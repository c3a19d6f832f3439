import { BryoError } from '../base/errors.ts'

/** The part of a configuration that `--change` can set, in the image's own words. */
export interface ConfigChanges {
  readonly Env?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly WorkingDir?: string
  readonly User?: string
  readonly ExposedPorts?: Readonly<Record<string, object>>
  readonly Volumes?: Readonly<Record<string, object>>
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly OnBuild?: readonly string[]
}

type MutableChanges = { -readonly [K in keyof ConfigChanges]: ConfigChanges[K] }

/**
 * Reads instructions such as `ENV A=b`, `CMD ["sh"]` or `EXPOSE 80/tcp`; later ones win.
 * @throws BryoError USAGE
 */
export function parseChanges(changes: readonly string[]): ConfigChanges {
  const config: MutableChanges = {}
  for (const change of changes) {
    const match = /^\s*([A-Za-z]+)(?:\s+|\s*=\s*)(\S[\s\S]*?)\s*$/.exec(change)
    if (!match?.[1] || !match[2])
      throw invalid(change, 'expected an instruction and its value, e.g. CMD ["sh"]')
    apply(config, change, { instruction: match[1].toUpperCase(), value: match[2] })
  }
  return config
}

function apply(
  config: MutableChanges,
  change: string,
  { instruction, value }: { readonly instruction: string; readonly value: string },
): void {
  if (value.includes('\0')) throw invalid(change, 'expected no NUL')
  switch (instruction) {
    case 'CMD':
      config.Cmd = commandOf(value)
      return
    case 'ENTRYPOINT':
      config.Entrypoint = commandOf(value)
      return
    case 'ENV':
      config.Env = mergeEnv(config.Env ?? [], pairs(change, value))
      return
    case 'LABEL':
      config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(change, value)) }
      return
    case 'EXPOSE':
      config.ExposedPorts = {
        ...config.ExposedPorts,
        ...keysOf(words(change, value).flatMap((w) => ports(change, w))),
      }
      return
    case 'VOLUME':
      config.Volumes = { ...config.Volumes, ...keysOf(listOf(value) ?? words(change, value)) }
      return
    case 'WORKDIR':
      config.WorkingDir = joinPath(config.WorkingDir ?? '/', value)
      return
    case 'USER':
      config.User = value
      return
    case 'STOPSIGNAL':
      config.StopSignal = value
      return
    case 'ONBUILD':
      config.OnBuild = [...(config.OnBuild ?? []), value]
      return
    default:
      throw invalid(
        change,
        'expected CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR',
      )
  }
}

/** A JSON list is the command itself; anything else is a line for the shell. */
function commandOf(value: string): readonly string[] {
  return listOf(value) ?? ['/bin/sh', '-c', value]
}

function listOf(value: string): readonly string[] | undefined {
  if (!value.startsWith('[')) return undefined
  try {
    const list: unknown = JSON.parse(value)
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined
  } catch {
    // A shell's own test, `[ -e x ]`, starts the same.
    return undefined
  }
}

/** `A=b C="d e"`, or the old form `A b` with all that follows as value. */
function pairs(change: string, value: string): readonly (readonly [string, string])[] {
  const old = /^([^\s="']+)\s+([\s\S]*)$/.exec(value)
  if (old?.[1] && old[2] !== undefined) return [[old[1], old[2]]]
  return words(change, value).map((word) => {
    const equals = word.indexOf('=')
    if (equals <= 0) throw invalid(change, 'expected NAME=VALUE')
    return [word.slice(0, equals), word.slice(equals + 1)]
  })
}

/** Splits at spaces outside of quotes; a backslash keeps the next character as it is. */
function words(change: string, value: string): readonly string[] {
  const found: string[] = []
  let word: string | undefined
  let quote = ''
  for (let index = 0; index < value.length; index++) {
    const character = value[index] ?? ''
    if (character === '\\' && quote !== "'" && index + 1 < value.length) word = (word ?? '') + value[++index]
    else if (quote !== '' && character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) [quote, word] = [character, word ?? '']
    else if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) found.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== '') throw invalid(change, `expected a closing ${quote}`)
  return word === undefined ? found : [...found, word]
}

const MAX_PORT = 65535

/** `80`, `80/udp`, `8000-8010`. */
function ports(change: string, word: string): readonly string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word)
  const first = Number(match?.[1])
  const last = match?.[2] === undefined ? first : Number(match[2])
  if (!match || first < 1 || last > MAX_PORT || last < first) {
    throw invalid(change, 'expected PORT[-PORT][/tcp|udp|sctp]')
  }
  const protocol = match[3]?.toLowerCase() ?? 'tcp'
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`)
}

/** Later values win; the order is that of the first ones. */
export function mergeEnv(
  env: readonly string[],
  added: readonly (readonly [string, string])[],
): readonly string[] {
  const values = new Map(
    env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
  for (const [name, value] of added) values.set(name, value)
  return [...values].map(([name, value]) => `${name}=${value}`)
}

function keysOf(keys: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(keys.map((key) => [key, {}]))
}

function joinPath(base: string, path: string): string {
  const parts = (path.startsWith('/') ? path : `${base}/${path}`).split('/')
  const kept: string[] = []
  for (const part of parts) {
    if (part === '..') kept.pop()
    else if (part !== '' && part !== '.') kept.push(part)
  }
  return `/${kept.join('/')}`
}

function invalid(change: string, expected: string): BryoError {
  return new BryoError('USAGE', `invalid change "${change.slice(0, 200)}", ${expected}`)
}
