import { BryoError } from '../../base/errors.ts'
import { hasDomain, type ImageReference, parseReference, repositoryName } from '../reference.ts'

/** Another place that has the same images. */
export interface MirrorRule {
  /** `mirror.example.org/hub`, in the place of the rule's prefix. */
  readonly location: string
  readonly insecure: boolean
  readonly serves: 'all' | 'digest-only' | 'tag-only'
}

/** What holds for the images below a prefix. @see containers-registries.conf(5) */
export interface RegistryRule {
  /** `docker.io`, `registry.example.org/team`, `*.example.org`. */
  readonly prefix: string
  /** In the place of the prefix; undefined leaves it. */
  readonly location: string | undefined
  readonly insecure: boolean
  readonly blocked: boolean
  /** In the order in which they are asked, before the registry itself. */
  readonly mirrors: readonly MirrorRule[]
  /** The file that says so. */
  readonly source: string
}

export interface RegistriesConfig {
  readonly rules: readonly RegistryRule[]
  /** Full names by short name. */
  readonly aliases: Readonly<Record<string, string>>
  /** Credential helpers for every registry. */
  readonly credentialHelpers: readonly string[]
}

/** A place to ask for an image. */
export interface Endpoint {
  readonly reference: ImageReference
  readonly insecure: boolean
  readonly isMirror: boolean
}

/**
 * What a user's text means: a short name may be an alias; other than that as parseReference().
 * @throws BryoError INVALID_REFERENCE
 */
export function resolveName(config: RegistriesConfig, text: string): ImageReference {
  if (hasDomain(text)) return parseReference(text)
  const [, name = '', rest = ''] = /^([^:@]*)(.*)$/.exec(text) ?? []
  const full = Object.hasOwn(config.aliases, name) ? config.aliases[name] : undefined
  return parseReference(full === undefined ? text : `${full}${rest}`)
}

/**
 * Where to pull an image from: its mirrors in their order, then the registry itself.
 * @throws BryoError REGISTRY where it is blocked
 */
export function pullEndpoints(config: RegistriesConfig, reference: ImageReference): readonly Endpoint[] {
  const rule = findRule(config, reference)
  if (!rule) return [{ reference, insecure: false, isMirror: false }]
  const wanted = reference.digest === undefined ? 'tag-only' : 'digest-only'
  const mirrors = rule.mirrors
    .filter(({ serves }) => serves === 'all' || serves === wanted)
    .map(({ location, insecure }) => ({
      reference: moved(reference, rule, location),
      insecure,
      isMirror: true,
    }))
  const own = rule.location === undefined ? reference : moved(reference, rule, rule.location)
  return [...mirrors, { reference: own, insecure: rule.insecure, isMirror: false }]
}

/** Where to push to: the registry that is named. @throws BryoError REGISTRY where it is blocked */
export function pushEndpoint(config: RegistriesConfig, reference: ImageReference): Endpoint {
  return { reference, insecure: findRule(config, reference)?.insecure ?? false, isMirror: false }
}

/** The rule of the longest prefix. */
function findRule(config: RegistriesConfig, reference: ImageReference): RegistryRule | undefined {
  const name = repositoryName(reference)
  const full = `${name}${reference.digest === undefined ? `:${reference.tag ?? ''}` : `@${reference.digest}`}`
  const fitting = config.rules.filter(({ prefix }) => prefixLength(prefix, full) > 0)
  const rule = fitting.toSorted((a, b) => b.prefix.length - a.prefix.length)[0]
  if (!rule?.blocked) return rule
  throw new BryoError('REGISTRY', `cannot use registry "${rule.prefix}": it is blocked in "${rule.source}"`)
}

/** How much of the name the prefix covers; 0 where it does not fit. */
function prefixLength(prefix: string, full: string): number {
  if (prefix.startsWith('*.')) {
    const host = full.slice(0, full.search(/[/:@]|$/))
    return host.length > prefix.length - 1 && host.endsWith(prefix.slice(1)) ? host.length : 0
  }
  if (!full.startsWith(prefix)) return 0
  return /^(?:[/:@]|$)/.test(full.slice(prefix.length)) ? prefix.length : 0
}

function moved(reference: ImageReference, rule: RegistryRule, location: string): ImageReference {
  const name = repositoryName(reference)
  const rest = name.slice(Math.min(name.length, prefixLength(rule.prefix, `${name}:`)))
  const { domain, path } = parseReference(`${location}${rest}`)
  const { tag, digest } = reference
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }
}
