import { BryoError } from '../base/errors.ts'
import { parseSlirpOptions, type SlirpOptions } from './slirp-options.ts'

/** Where a container's network comes from. */
export type NetworkMode =
  | { readonly kind: 'slirp4netns'; readonly options: SlirpOptions }
  /** Arguments for pasta as they were given, after bryo's own. */
  | { readonly kind: 'pasta'; readonly arguments: readonly string[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'host' }
  /** The network namespace of another container, by name or id. */
  | { readonly kind: 'container'; readonly container: string }
  | { readonly kind: 'path'; readonly path: string }

/** One value of `--network`. @throws BryoError USAGE, UNSUPPORTED for named networks */
export function parseNetworkMode(text: string): NetworkMode {
  const at = text.indexOf(':')
  const [name, rest] = at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
  switch (name) {
    case '':
      if (rest !== undefined) throw new BryoError('USAGE', 'network name cannot be empty')
      return slirp(undefined)
    case 'default':
    case 'private':
      withoutValue(name, rest)
      return slirp(undefined)
    case 'slirp4netns':
      return slirp(rest)
    case 'pasta':
      return { kind: 'pasta', arguments: words(rest) }
    case 'none':
    case 'host':
      withoutValue(name, rest)
      return { kind: name }
    case 'container':
      return { kind: 'container', container: needValue('container', rest, 'a container name or id') }
    case 'ns':
      return { kind: 'path', path: namespacePath(needValue('ns', rest, 'the path of a network namespace')) }
    default:
      throw namedNetworkError(name)
  }
}

/** All values of `--network` together; none means the default. @throws BryoError USAGE */
export function parseNetworkModes(texts: readonly string[]): NetworkMode {
  const [first, second] = texts
  const mode = parseNetworkMode(first ?? '')
  if (second === undefined) return mode
  throw new BryoError(
    'USAGE',
    `cannot set multiple networks without bridge network mode, selected mode ${first}`,
  )
}

/** The text that {@link parseNetworkMode} would read; what `inspect` shows as the network mode. */
export function networkModeName(mode: NetworkMode): string {
  switch (mode.kind) {
    case 'container':
      return `container:${mode.container}`
    case 'path':
      return `ns:${mode.path}`
    default:
      return mode.kind
  }
}

function words(rest: string | undefined): readonly string[] {
  return rest === undefined || rest === '' ? [] : rest.split(',')
}

function slirp(rest: string | undefined): NetworkMode {
  return { kind: 'slirp4netns', options: parseSlirpOptions(words(rest)) }
}

function withoutValue(name: string, rest: string | undefined): void {
  if (rest !== undefined) throw new BryoError('USAGE', `network mode "${name}" takes no value, got "${rest}"`)
}

function needValue(name: string, rest: string | undefined, wanted: string): string {
  if (rest) return rest
  throw new BryoError('USAGE', `namespace mode ${name} requires a value, expected ${wanted}`)
}

function namespacePath(path: string): string {
  if (path.startsWith('/')) return path
  throw new BryoError('USAGE', `cannot use network namespace "${path}", expected an absolute path`)
}

function namedNetworkError(name: string): BryoError {
  const what =
    name === 'bridge' ? 'bridge networks are' : `"${name}" would be a bridge network, and those are`
  return new BryoError('UNSUPPORTED', `cannot use network "${name}": ${what} not supported yet`, {
    hint: 'use slirp4netns (the default), pasta, none, host or container:NAME',
  })
}
