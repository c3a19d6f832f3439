import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BryoError, unlessErrno } from '../../base/errors.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import type { RegistriesConfig, RegistryRule } from '../../image/registry/endpoints.ts'

const FILES = ['/etc/bryo/bryo.conf']
const SECTION = /^registry (.+)$/
const MEMBERS: ReadonlySet<string> = new Set(['location', 'insecure', 'blocked', 'mirror'])

/**
 * What bryo.conf says of registries: sections `[registry HOST/PREFIX]` with `mirror[]`, `location`, `insecure`, `blocked`, and a section
 * `[aliases]`. Other sections are others' affair.
 * @throws BryoError USAGE
 */
export async function readBryoConf(configHome: string): Promise<readonly RegistriesConfig[]> {
  const found = [...FILES, join(configHome, 'bryo/bryo.conf')].flatMap(readOptional)
  if (found.length === 0) return []
  const { parse } = await import('ini')
  return found.map(({ path, text }) => parseBryoConf(path, parse(text)))
}

function readOptional(path: string): readonly { readonly path: string; readonly text: string }[] {
  return unlessErrno(() => [{ path, text: readFileSync(path, 'utf8') }], 'ENOENT', 'ENOTDIR', 'EACCES') ?? []
}

/** @param document as the package `ini` reads it: sections with dots in their names are nested */
function parseBryoConf(path: string, document: JsonObject): RegistriesConfig {
  const sections = flatten(document, [])
  const rules = sections.flatMap(({ name, members }): readonly RegistryRule[] => {
    const prefix = SECTION.exec(name)?.[1]?.replaceAll('"', '').trim()
    if (prefix === undefined) return []
    const unknown = Object.keys(members).find((key) => !MEMBERS.has(key))
    if (unknown !== undefined) {
      throw new BryoError('USAGE', `cannot read "${path}": [${name}] has an unknown member "${unknown}"`)
    }
    const insecure = isTrue(path, members.insecure)
    return [
      {
        prefix,
        location: typeof members.location === 'string' ? members.location : undefined,
        insecure,
        blocked: isTrue(path, members.blocked),
        mirrors: texts(members.mirror).map((location) => ({ location, insecure: false, serves: 'all' })),
        source: path,
      },
    ]
  })
  const aliases = sections.find(({ name }) => name === 'aliases')?.members ?? {}
  const names = Object.entries(aliases).filter(
    (item): item is [string, string] => typeof item[1] === 'string',
  )
  return { rules, aliases: Object.fromEntries(names), credentialHelpers: [] }
}

interface IniSection {
  readonly name: string
  readonly members: JsonObject
}

function flatten(document: JsonObject, path: readonly string[]): readonly IniSection[] {
  const entries = Object.entries(document)
  const members = Object.fromEntries(entries.filter(([, value]) => !isObject(value)))
  const own = Object.keys(members).length > 0 ? [{ name: path.join('.'), members }] : []
  return [
    ...own,
    ...entries.flatMap(([key, value]) => (isObject(value) ? flatten(value, [...path, key]) : [])),
  ]
}

function texts(value: unknown): readonly string[] {
  const items = Array.isArray(value) ? value : [value]
  return items.filter((item): item is string => typeof item === 'string')
}

function isTrue(path: string, value: unknown): boolean {
  if (value === undefined || value === false) return false
  if (value === true) return true
  throw new BryoError('USAGE', `cannot read "${path}": "${String(value)}" is neither true nor false`)
}
