import type { Digest } from '../base/brand.ts'
import { isDigest } from '../base/digest.ts'
import { BryoError } from '../base/errors.ts'

/** Where an image is found. @see https://pkg.go.dev/github.com/distribution/reference (the grammar) */
export interface ImageReference {
  /** `docker.io`, `localhost:5000`. */
  readonly domain: string
  /** `library/alpine`. */
  readonly path: string
  /** Absent where only a digest was given. */
  readonly tag?: string
  /** Names the exact manifest; a tag beside it says nothing more. */
  readonly digest?: Digest
}

export const DEFAULT_DOMAIN = 'docker.io'
const DEFAULT_NAMESPACE = 'library/'
const DEFAULT_TAG = 'latest'
const LOCAL_DOMAIN = 'localhost'

/** Longest text that is looked at, and longest `domain/path`: both in characters. */
const MAX_TEXT = 1024
const MAX_NAME = 255

const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`)
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const IMAGE_ID = /^[0-9a-f]{64}$/

/**
 * Turns what a user writes into a full reference: `alpine` is `docker.io/library/alpine:latest`.
 * @throws BryoError INVALID_REFERENCE
 */
export function parseReference(text: string): ImageReference {
  const { name, tag, digest } = splitReference(text)
  const { domain, path } = splitDomain(name)
  if (!DOMAIN.test(domain)) throw invalid(text, `"${domain}" is no host name`)
  checkPath(text, path)
  if (domain.length + 1 + path.length > MAX_NAME) {
    throw invalid(text, `the name has more than ${MAX_NAME} characters`)
  }
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `"${tag}" is no tag`)
  if (digest !== undefined) {
    if (!isDigest(digest)) throw invalid(text, `"${digest}" is not sha256: and 64 hex digits`)
    return tag === undefined ? { domain, path, digest } : { domain, path, tag, digest }
  }
  return { domain, path, tag: tag ?? DEFAULT_TAG }
}

/** Whether the text has the form of a reference at all. */
export function isReference(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch (error) {
    if (error instanceof BryoError && error.code === 'INVALID_REFERENCE') return false
    throw error
  }
}

interface Parts {
  readonly name: string
  readonly tag: string | undefined
  readonly digest: string | undefined
}

function splitReference(text: string): Parts {
  if (text === '') throw invalid(text, 'it is empty')
  if (text.length > MAX_TEXT) throw invalid(text, `it has more than ${MAX_TEXT} characters`)
  if (IMAGE_ID.test(text)) throw invalid(text, '64 hex digits are an image ID')
  const at = text.indexOf('@')
  const digest = at === -1 ? undefined : text.slice(at + 1)
  const rest = at === -1 ? text : text.slice(0, at)
  const colon = rest.lastIndexOf(':')
  if (colon <= rest.lastIndexOf('/')) return { name: rest, tag: undefined, digest }
  return { name: rest.slice(0, colon), tag: rest.slice(colon + 1), digest }
}

/** The first component is a host when it could be none of the Hub's: a dot, a port, capitals, or `localhost`. */
function isHost(component: string): boolean {
  return /[.:]/.test(component) || component === LOCAL_DOMAIN || component !== component.toLowerCase()
}

function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf('/')
  const first = slash === -1 ? '' : name.slice(0, slash)
  if (!isHost(first)) return { domain: DEFAULT_DOMAIN, path: slash === -1 ? DEFAULT_NAMESPACE + name : name }
  const domain = first === 'index.docker.io' ? DEFAULT_DOMAIN : first
  const path = name.slice(slash + 1)
  const bare = domain === DEFAULT_DOMAIN && !path.includes('/')
  return { domain, path: bare ? DEFAULT_NAMESPACE + path : path }
}

function checkPath(text: string, path: string): void {
  for (const component of path.split('/')) {
    if (PATH_COMPONENT.test(component)) continue
    if (PATH_COMPONENT.test(component.toLowerCase())) {
      throw invalid(text, `the repository name "${component}" has capital letters`)
    }
    throw invalid(text, `"${component}" is no repository name`)
  }
}

function invalid(text: string, found: string): BryoError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}...` : text
  return new BryoError(
    'INVALID_REFERENCE',
    `cannot read image reference "${shown}": ${found}, expected [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST]`,
  )
}

/** `docker.io/library/alpine`. */
export function repositoryName(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}`
}

/** The full text: with the tag, or with the digest where there is one. */
export function formatReference(reference: ImageReference): string {
  const name = repositoryName(reference)
  if (reference.digest !== undefined) return `${name}@${reference.digest}`
  return `${name}:${reference.tag ?? DEFAULT_TAG}`
}

/**
 * The short text that people write: `alpine:latest` for `docker.io/library/alpine:latest`; the full one where the short
 * one would mean something else.
 */
export function familiarName(reference: ImageReference): string {
  const full = formatReference(reference)
  const { domain, path } = reference
  const short = path.startsWith(DEFAULT_NAMESPACE) ? path.slice(DEFAULT_NAMESPACE.length) : path
  const meant = splitDomain(short)
  if (meant.domain !== domain || meant.path !== path) return full
  return short + full.slice(repositoryName(reference).length)
}

/** Whether the text names its registry itself; a short name does not. */
export function hasDomain(text: string): boolean {
  const { name } = splitReference(text)
  const slash = name.indexOf('/')
  return slash !== -1 && isHost(name.slice(0, slash))
}

/** Whether the text has a tag itself. */
export function hasTag(text: string): boolean {
  return splitReference(text).tag !== undefined
}

/**
 * The full names under which a local image may be meant, the first that exists wins. A short name also means
 * `localhost/NAME`, which is what locally made images are called.
 */
export function localCandidates(text: string): readonly ImageReference[] {
  const reference = parseReference(text)
  if (hasDomain(text)) return [reference]
  return [localReference(text), reference]
}

/** As {@link parseReference}, but a short name belongs to `localhost/`: for images that come from no registry. */
export function localReference(text: string): ImageReference {
  return parseReference(hasDomain(text) ? text : `${LOCAL_DOMAIN}/${text}`)
}

/**
 * The full name for what is made here: that of {@link localReference}.
 * @param verb of the message
 * @throws BryoError INVALID_REFERENCE for one with a digest too
 */
export function newLocalName(text: string, verb: string): string {
  const reference = localReference(text)
  if (reference.digest === undefined) return formatReference(reference)
  throw new BryoError('INVALID_REFERENCE', `cannot ${verb} as "${text}": it has a digest, expected a tag`)
}
