import { BryoError } from '../../base/errors.ts'
import { DEFAULT_DOMAIN, type ImageReference } from '../reference.ts'
import { parseChallenges } from './challenge.ts'
import type { Credentials } from './credentials.ts'
import { ConnectionError, type HttpClient, type HttpResponse, isNotTls } from './http.ts'
import { basicAuthorization, fetchToken } from './token.ts'

/** A conversation with one repository of one registry: knows its address and how to authorise. */
export interface Session {
  /** Where the registry is; the first request settles http or https. */
  readonly base: URL
  /** GET below `/v2/NAME/`, redirects followed, authorised where the registry asks for it. */
  readonly get: (path: string, headers: Readonly<Record<string, string>>) => Promise<HttpResponse>
}

export interface SessionOptions {
  readonly http: HttpClient
  readonly repository: Pick<ImageReference, 'domain' | 'path'>
  readonly credentials: Credentials | undefined
  /** False allows certificates of anybody, and plain http where the registry speaks no TLS. */
  readonly tlsVerify: boolean
}

/** The Hub's name is not its registry's address. */
const HUB_REGISTRY = 'registry-1.docker.io'
const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

export async function openSession(options: SessionOptions): Promise<Session> {
  const { http, repository, credentials } = options
  const base = await findBase(options)
  let authorization: string | undefined
  let asked: Promise<string> | undefined

  const authorise = (response: HttpResponse): Promise<string> => {
    response.discard()
    const header = response.headers['www-authenticate'] ?? ''
    const challenges = parseChallenges(Array.isArray(header) ? header.join(', ') : header)
    const bearer = challenges.find((challenge) => challenge.scheme === 'bearer')
    if (bearer) {
      const scope = `repository:${repository.path}:pull`
      return fetchToken(http, { challenge: bearer, registry: base, scope, credentials }).then(
        (t) => `Bearer ${t}`,
      )
    }
    const basic = challenges.some((challenge) => challenge.scheme === 'basic')
    if (basic && credentials) return Promise.resolve(basicAuthorization(credentials))
    throw new BryoError('AUTH_REQUIRED', `cannot pull from "${base.host}": it asks for a login`, {
      hint: 'there is no login for this registry in the auth files',
    })
  }

  const get: Session['get'] = async (path, headers) => {
    const url = new URL(`/v2/${repository.path}/${path}`, base)
    const used = authorization
    const first = await follow(http, url, used === undefined ? headers : { ...headers, authorization: used })
    if (first.response.status !== 401 || !first.fromRegistry) return first.response
    // Parallel requests that met the same 401 share one token.
    if (authorization !== used) {
      first.response.discard()
    } else {
      asked ??= authorise(first.response).finally(() => {
        asked = undefined
      })
      authorization = await asked
    }
    const again = await follow(http, url, { ...headers, ...(authorization ? { authorization } : {}) })
    return again.response
  }
  return { base, get }
}

/** With verification off: https (with any certificate) where the registry speaks it, else http. */
async function findBase({ http, repository, tlsVerify }: SessionOptions): Promise<URL> {
  const host = repository.domain === DEFAULT_DOMAIN ? HUB_REGISTRY : repository.domain
  const secure = new URL(`https://${host}/`)
  if (tlsVerify) return secure
  try {
    const response = await http.get(new URL('/v2/', secure), {})
    response.discard()
    return secure
  } catch (error) {
    const silent = error instanceof ConnectionError && error.code === 'ECONNREFUSED'
    if (isNotTls(error) || silent) return new URL(`http://${host}/`)
    throw error
  }
}

interface Followed {
  readonly response: HttpResponse
  /** False after a redirect to another host: its challenges are not answered. */
  readonly fromRegistry: boolean
}

/**
 * Follows redirects. The authorisation stays with the host that it is for (CVE-2020-15157), and https is never left
 * for http.
 */
async function follow(
  http: HttpClient,
  start: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Followed> {
  let url = start
  for (let redirects = 0; ; redirects++) {
    const fromRegistry = url.origin === start.origin
    const { authorization: _, ...others } = headers
    const response = await http.get(url, fromRegistry ? headers : others)
    if (!REDIRECTS.has(response.status)) return { response, fromRegistry }
    response.discard()
    if (redirects === MAX_REDIRECTS) {
      throw new BryoError(
        'REGISTRY',
        `cannot follow registry "${start.host}": more than ${MAX_REDIRECTS} redirects`,
      )
    }
    url = redirectTarget(start, url, response.headers.location)
  }
}

function redirectTarget(start: URL, from: URL, location: string | undefined): URL {
  const target =
    location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (!target || !['https:', 'http:'].includes(target.protocol)) {
    throw new BryoError('REGISTRY', `cannot follow registry "${start.host}": it redirects to no web address`)
  }
  if (target.protocol === 'http:' && from.protocol === 'https:') {
    throw new BryoError('REGISTRY', `cannot follow registry "${start.host}": it redirects from https to http`)
  }
  target.username = ''
  target.password = ''
  return target
}
