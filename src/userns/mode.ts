import { BryoError } from '../base/errors.ts'
import { type IdMapRequest, parseIdMapRequest } from './map-request.ts'
import { isId, LAST_ID } from './ranges.ts'

/** What `--userns` and the options for explicit maps ask for. */
export type UsernsMode =
  /** Container 0 is the caller, the rest are the subordinate ids. Also `private`: every container has its own. */
  | { readonly kind: 'default' }
  /** Only the caller's id, as itself. */
  | { readonly kind: 'host' }
  /** The caller keeps the id, or gets `uid` and `gid`; at most `size` ids are mapped. */
  | {
      readonly kind: 'keep-id'
      readonly uid?: number | undefined
      readonly gid?: number | undefined
      readonly size?: number | undefined
    }
  /** Subordinate ids only. */
  | { readonly kind: 'nomap' }
  /** Subordinate ids that no other such container has. */
  | {
      readonly kind: 'auto'
      readonly size?: number | undefined
      readonly uidMappings: readonly IdMapRequest[]
      readonly gidMappings: readonly IdMapRequest[]
    }
  /** The namespace of another container. */
  | { readonly kind: 'container'; readonly container: string }
  | { readonly kind: 'namespace'; readonly path: string }
  /** `--uidmap` and `--gidmap`. */
  | {
      readonly kind: 'explicit'
      readonly uid: readonly IdMapRequest[]
      readonly gid: readonly IdMapRequest[]
    }
  /** `--subuidname` and `--subgidname`: the ranges that /etc/subuid and /etc/subgid list for these names. */
  | { readonly kind: 'named'; readonly uidName: string; readonly gidName: string }

const EXPECTED = 'auto, host, keep-id, nomap, private, container:ID or ns:PATH'

/** The value of `--userns`; empty is the default. Throws USAGE. */
export function parseUsernsMode(text: string): UsernsMode {
  const colon = text.indexOf(':')
  const word = colon === -1 ? text : text.slice(0, colon)
  const rest = colon === -1 ? undefined : text.slice(colon + 1)
  if (rest !== undefined) return parseModeWithValue(text, word, rest)
  switch (word) {
    case '':
    case 'private':
      return { kind: 'default' }
    case 'host':
    case 'nomap':
    case 'keep-id':
      return { kind: word }
    case 'auto':
      return { kind: 'auto', uidMappings: [], gidMappings: [] }
    default:
      throw unknownMode(text)
  }
}

function parseModeWithValue(text: string, word: string, rest: string): UsernsMode {
  switch (word) {
    case 'keep-id':
      return parseKeepId(text, rest)
    case 'auto':
      return parseAuto(text, rest)
    case 'container':
      if (rest === '') throw invalid(text, 'no container', 'container:ID')
      return { kind: 'container', container: rest }
    case 'ns':
      if (!rest.startsWith('/')) throw invalid(text, `"${rest}"`, 'ns: and an absolute path')
      return { kind: 'namespace', path: rest }
    default:
      throw unknownMode(text)
  }
}

function parseKeepId(text: string, rest: string): UsernsMode {
  const options: { uid?: number; gid?: number; size?: number } = {}
  for (const [key, value] of parseOptions(text, rest)) {
    if (key === 'uid' || key === 'gid') options[key] = parseId(text, key, value)
    else if (key === 'size') options.size = parseSize(text, value)
    else throw invalid(text, `the option "${key}"`, 'uid=N, gid=N or size=N')
  }
  return { kind: 'keep-id', ...options }
}

function parseAuto(text: string, rest: string): UsernsMode {
  let size: number | undefined
  const uidMappings: IdMapRequest[] = []
  const gidMappings: IdMapRequest[] = []
  for (const [key, value] of parseOptions(text, rest)) {
    if (key === 'size') size = parseSize(text, value)
    else if (key === 'uidmapping') uidMappings.push(parseIdMapRequest(value, key))
    else if (key === 'gidmapping') gidMappings.push(parseIdMapRequest(value, key))
    else throw invalid(text, `the option "${key}"`, 'size=N, uidmapping=C:F:N or gidmapping=C:F:N')
  }
  return { kind: 'auto', size, uidMappings, gidMappings }
}

function parseOptions(text: string, rest: string): readonly (readonly [string, string])[] {
  return rest.split(',').map((option) => {
    const equals = option.indexOf('=')
    if (equals < 1) throw invalid(text, `"${option}"`, 'options of the form NAME=VALUE, separated by commas')
    return [option.slice(0, equals), option.slice(equals + 1)]
  })
}

function parseId(text: string, key: string, value: string): number {
  const id = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
  if (!isId(id)) throw invalid(text, `${key} "${value}"`, `a number from 0 to ${LAST_ID}`)
  return id
}

function parseSize(text: string, value: string): number {
  const size = parseId(text, 'size', value)
  if (size === 0) throw invalid(text, 'size "0"', 'at least 1')
  return size
}

function unknownMode(text: string): BryoError {
  return new BryoError('USAGE', `invalid user namespace mode "${text}", expected ${EXPECTED}`)
}

function invalid(text: string, found: string, expected: string): BryoError {
  return new BryoError('USAGE', `invalid user namespace mode "${text}": ${found}, expected ${expected}`)
}
