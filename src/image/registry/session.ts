import { BryoError } from '../../base/errors.ts'
import { DEFAULT_DOMAIN, type ImageReference } from '../reference.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './credentials.ts'
import { ConnectionError, type HttpClient, type HttpRequest, type HttpResponse, isNotTls } from './http.ts'
import { follow } from './redirect.ts'
import { basicAuthorization, fetchToken } from './token.ts'

/** A conversation with one registry: knows its address and how to authorise. */
export interface Session {
  /** Where the registry is; the first request settles http or https. */
  readonly base: URL
  /**
   * A request below `/v2/NAME/`, or to an address that the registry has named; redirects followed, authorised where the registry
   * asks for it.
   */
  readonly send: (target: string | URL, request: HttpRequest) => Promise<HttpResponse>
  /** A GET. */
  readonly get: (path: string, headers: Readonly<Record<string, string>>) => Promise<HttpResponse>
}

export interface SessionOptions {
  readonly http: HttpClient
  readonly domain: ImageReference['domain']
  /** `/v2/library/alpine/`: what targets are below of. */
  readonly root: string
  /** What tokens are asked for. */
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
  /** False allows certificates of anybody, and plain http where the registry speaks no TLS. */
  readonly tlsVerify: boolean
  /** For messages: `pull from`. */
  readonly purpose?: string
}

/** The Hub's name is not its registry's address. */
const HUB_REGISTRY = 'registry-1.docker.io'

export async function openSession(options: SessionOptions): Promise<Session> {
  const { http, root } = options
  const base = await findBase(options)
  let authorization: string | undefined
  let asked: Promise<string> | undefined

  const sendOnce = (url: URL, request: HttpRequest) => {
    const allowed = authorization !== undefined && url.origin === base.origin
    const headers = allowed ? { ...request.headers, authorization } : request.headers
    return follow(http, url, { ...request, headers: definedOnly(headers) })
  }
  const send: Session['send'] = async (target, request) => {
    const url = typeof target === 'string' ? new URL(`${root}${target}`, base) : target
    const used = authorization
    const first = await sendOnce(url, request)
    const fromRegistry = first.fromStart && url.origin === base.origin
    if (first.response.status !== 401 || !fromRegistry) return first.response
    // Parallel requests that met the same 401 share one token.
    if (authorization !== used) {
      first.response.discard()
    } else {
      asked ??= authorise(options, base, first.response).finally(() => {
        asked = undefined
      })
      authorization = await asked
    }
    return (await sendOnce(url, request)).response
  }
  return { base, send, get: (path, headers) => send(path, { headers }) }
}

function definedOnly(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) kept.push([name, value])
  return Object.fromEntries(kept)
}

/** Answers the challenge of a 401. @throws BryoError AUTH_REQUIRED */
async function authorise(options: SessionOptions, base: URL, response: HttpResponse): Promise<string> {
  const { http, credentials, scopes, purpose = 'pull from' } = options
  response.discard()
  const header = response.headers['www-authenticate'] ?? ''
  const challenges = parseChallenges(Array.isArray(header) ? header.join(', ') : header)
  const bearer = challenges.find((challenge) => challenge.scheme === 'bearer')
  if (bearer) {
    return `Bearer ${await fetchToken(http, { challenge: bearer, registry: base, scopes, credentials })}`
  }
  const basic = challenges.some((challenge) => challenge.scheme === 'basic')
  if (basic && credentials) return basicAuthorization(credentials)
  throw new BryoError('AUTH_REQUIRED', `cannot ${purpose} "${base.host}": it asks for a login`, {
    hint: `there is no login for this registry in the auth files: bryo login ${options.domain}`,
  })
}

/** With verification off: https (with any certificate) where the registry speaks it, else http. */
async function findBase({ http, domain, tlsVerify }: SessionOptions): Promise<URL> {
  const host = domain === DEFAULT_DOMAIN ? HUB_REGISTRY : domain
  const secure = new URL(`https://${host}/`)
  if (tlsVerify) return secure
  try {
    const response = await http.send(new URL('/v2/', secure), { headers: {} })
    response.discard()
    return secure
  } catch (error) {
    const silent = error instanceof ConnectionError && error.code === 'ECONNREFUSED'
    if (isNotTls(error) || silent) return new URL(`http://${host}/`)
    throw error
  }
}
