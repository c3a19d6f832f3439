import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { BryoError, isErrno, messageOf, unlessErrno } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import type { MirrorRule, RegistriesConfig, RegistryRule } from '../../image/registry/endpoints.ts'
import { readBryoConf } from './bryoConf.ts'

const MAX_FILE = 4 * 1024 * 1024

/**
 * What this host and user say of registries: registries.conf with its drop-ins, then bryo.conf. Of two rules for one prefix the later
 * file's counts.
 * @see containers-registries.conf(5)
 * @throws BryoError USAGE for a file that says nothing clear
 */
export async function readRegistriesConfig({ env }: HostFacts): Promise<RegistriesConfig> {
  const configHome = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config')
  const found = registriesFiles(env.CONTAINERS_REGISTRIES_CONF, configHome).flatMap(readOptional)
  const parts: RegistriesConfig[] = []
  if (found.length > 0) {
    // Loaded here: a host without such files needs no parser of them.
    const { parse } = await import('smol-toml')
    for (const { path, text } of found) parts.push(parseRegistries(path, parseText(path, text, parse)))
  }
  parts.push(...(await readBryoConf(configHome)))
  return mergeRegistries(parts)
}

/** Those that may exist, the weakest first. */
function registriesFiles(named: string | undefined, configHome: string): readonly string[] {
  if (named) return [named]
  const user = join(configHome, 'containers/registries.conf')
  const main = exists(user) ? user : '/etc/containers/registries.conf'
  return [main, ...dropIns('/etc/containers/registries.conf.d'), ...dropIns(`${user}.d`)]
}

function exists(path: string): boolean {
  return readOptional(path).length > 0
}

function dropIns(directory: string): readonly string[] {
  const names = unlessErrno(() => readdirSync(directory), 'ENOENT', 'ENOTDIR', 'EACCES') ?? []
  return names
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => join(directory, name))
}

function readOptional(path: string): readonly { readonly path: string; readonly text: string }[] {
  try {
    const bytes = readFileSync(path)
    if (bytes.byteLength > MAX_FILE) throw unreadable(path, `it has more than ${MAX_FILE} bytes`)
    return [{ path, text: bytes.toString('utf8') }]
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
}

function parseText(path: string, text: string, parse: (text: string) => unknown): JsonObject {
  try {
    const document = parse(text)
    if (isObject(document)) return document
  } catch (cause) {
    throw unreadable(path, messageOf(cause).split('\n')[0] ?? '', cause)
  }
  throw unreadable(path, 'it is no table')
}

function unreadable(path: string, found: string, cause?: unknown): BryoError {
  return new BryoError('USAGE', `cannot read "${path}": ${found}`, cause === undefined ? {} : { cause })
}

/** One file's content. @throws BryoError USAGE */
function parseRegistries(path: string, document: JsonObject): RegistriesConfig {
  const fields = reader(path)
  if (document.registries !== undefined) {
    throw new BryoError(
      'USAGE',
      `cannot read "${path}": it has version 1 of the format, expected version 2`,
      {
        hint: 'write [[registry]] tables: containers-registries.conf(5)',
      },
    )
  }
  const aliases = document.aliases === undefined ? {} : fields.table(document.aliases, 'aliases')
  const names = Object.entries(aliases).filter(([, value]) => value !== '')
  return {
    rules: fields.tables(document.registry, 'registry').map((rule) => readRule(path, rule)),
    aliases: Object.fromEntries(names.map(([key, value]) => [key, fields.text(value, `aliases.${key}`)])),
    credentialHelpers: fields
      .list(document['credential-helpers'], 'credential-helpers')
      .map((name) => fields.text(name, 'credential-helpers'))
      .filter((name) => name !== 'containers-auth.json'),
  }
}

function readRule(path: string, rule: JsonObject): RegistryRule {
  const fields = reader(path)
  const location = fields.optionalText(rule.location, 'location')
  const prefix = fields.optionalText(rule.prefix, 'prefix') ?? location
  if (prefix === undefined) throw unreadable(path, 'a [[registry]] has neither prefix nor location')
  const digestOnly = fields.flag(rule['mirror-by-digest-only'], 'mirror-by-digest-only')
  return {
    prefix: trimmed(prefix),
    location: location === undefined ? undefined : trimmed(location),
    insecure: fields.flag(rule.insecure, 'insecure'),
    blocked: fields.flag(rule.blocked, 'blocked'),
    mirrors: fields.tables(rule.mirror, 'mirror').map((mirror): MirrorRule => {
      const place = fields.optionalText(mirror.location, 'mirror.location')
      if (place === undefined) throw unreadable(path, 'a mirror has no location')
      const serves = fields.optionalText(mirror['pull-from-mirror'], 'pull-from-mirror') ?? 'all'
      if (serves !== 'all' && serves !== 'digest-only' && serves !== 'tag-only') {
        throw unreadable(path, `"${serves}" is no value of pull-from-mirror`)
      }
      const insecure = fields.flag(mirror.insecure, 'mirror.insecure')
      return { location: trimmed(place), insecure, serves: digestOnly ? 'digest-only' : serves }
    }),
    source: path,
  }
}

function trimmed(location: string): string {
  return location.replace(/\/+$/, '')
}

function reader(path: string) {
  const fail = (member: string, expected: string) => unreadable(path, `"${member}" is not ${expected}`)
  const table = (value: unknown, member: string): JsonObject => {
    if (!isObject(value)) throw fail(member, 'a table')
    return value
  }
  const list = (value: unknown, member: string): readonly unknown[] => {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw fail(member, 'a list')
    return value
  }
  const text = (value: unknown, member: string): string => {
    if (typeof value !== 'string') throw fail(member, 'a text')
    return value
  }
  return {
    table,
    list,
    text,
    tables: (value: unknown, member: string) => list(value, member).map((item) => table(item, member)),
    optionalText: (value: unknown, member: string) =>
      value === undefined || value === '' ? undefined : text(value, member),
    flag: (value: unknown, member: string): boolean => {
      if (value !== undefined && typeof value !== 'boolean') throw fail(member, 'true or false')
      return value === true
    },
  }
}

/** Later parts win. */
function mergeRegistries(parts: readonly RegistriesConfig[]): RegistriesConfig {
  const rules = new Map(parts.flatMap((part) => part.rules).map((rule) => [rule.prefix, rule]))
  return {
    rules: [...rules.values()],
    aliases: Object.assign({}, ...parts.map((part) => part.aliases)),
    credentialHelpers: parts.findLast((part) => part.credentialHelpers.length > 0)?.credentialHelpers ?? [],
  }
}
