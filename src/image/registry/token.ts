import { BryoError } from '../../base/errors.ts'
import { parseJsonObject } from '../json.ts'
import type { Challenge } from './challenge.ts'
import type { Credentials } from './credentials.ts'
import type { HttpClient, HttpResponse } from './http.ts'
import { readLimited } from './response.ts'
import { BusyError, isBusy, parseRetryAfter } from './retry.ts'

export interface TokenRequest {
  readonly challenge: Challenge
  /** The registry's address, which sent the challenge. */
  readonly registry: URL
  /** `repository:library/alpine:pull`; none to prove a login only. */
  readonly scopes: readonly string[]
  readonly credentials: Credentials | undefined
}

const CLIENT_ID = 'bryo'
const MAX_TOKEN_ANSWER = 1024 * 1024

/**
 * Fetches a bearer token; without credentials an anonymous one.
 *
 * The registry names the address that gets the password, so that address must be of the same site and may not be less
 * protected than the registry (CVE-2020-15157); elsewhere only an anonymous token is asked for.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export async function fetchToken(http: HttpClient, request: TokenRequest): Promise<string> {
  const realm = realmUrl(request)
  const trusted = isSameSite(realm.hostname, request.registry.hostname)
  const credentials = trusted ? request.credentials : undefined
  const response = await (credentials?.identityToken === undefined
    ? askByGet(http, realm, { ...request, credentials })
    : askByPost(http, realm, request, credentials.identityToken))
  if (response.status !== 200) refuseToken(request, realm, response, trusted)
  const answer = parseJsonObject(
    'token',
    await readLimited(response.body, MAX_TOKEN_ANSWER, `the token from ${realm.host}`),
    MAX_TOKEN_ANSWER,
  )
  const token = answer.token ?? answer.access_token
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new BryoError(
      'REGISTRY',
      `cannot log in to "${request.registry.host}": ${realm.host} sent no token`,
    )
  }
  return token
}

/** @see https://distribution.github.io/distribution/spec/auth/token/ */
function askByGet(http: HttpClient, realm: URL, request: TokenRequest): Promise<HttpResponse> {
  const { credentials, challenge, scopes } = request
  const url = new URL(realm)
  const { service } = challenge.parameters
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (credentials) url.searchParams.set('account', credentials.username)
  return http.send(url, { headers: credentials ? { authorization: basicAuthorization(credentials) } : {} })
}

/** An identity token is exchanged for one that the registry takes. @see https://distribution.github.io/distribution/spec/auth/oauth/ */
function askByPost(
  http: HttpClient,
  realm: URL,
  { challenge, scopes }: TokenRequest,
  identityToken: string,
): Promise<HttpResponse> {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: challenge.parameters.service ?? '',
    client_id: CLIENT_ID,
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
    refresh_token: identityToken,
  })
  const bytes = Buffer.from(form.toString())
  return http.send(realm, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: { length: bytes.byteLength, open: () => [bytes] },
  })
}

export function basicAuthorization(credentials: Credentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

function realmUrl({ challenge, registry }: TokenRequest): URL {
  const text = challenge.parameters.realm ?? ''
  const realm = URL.canParse(text) ? new URL(text) : undefined
  if (
    !realm ||
    !['https:', 'http:'].includes(realm.protocol) ||
    realm.username !== '' ||
    realm.password !== ''
  ) {
    throw new BryoError('REGISTRY', `cannot log in to "${registry.host}": it names no address for tokens`)
  }
  if (realm.protocol === 'http:' && registry.protocol === 'https:') {
    throw new BryoError(
      'REGISTRY',
      `cannot log in to "${registry.host}": its token address "${realm.host}" is plain http, expected https`,
    )
  }
  return realm
}

function refuseToken(request: TokenRequest, realm: URL, response: HttpResponse, trusted: boolean): never {
  response.discard()
  const { host } = request.registry
  if (isBusy(response.status)) {
    throw new BusyError(
      `${realm.host} answered ${response.status}`,
      parseRetryAfter(response.headers['retry-after'], Date.now()),
    )
  }
  if (!trusted && request.credentials) {
    throw new BryoError(
      'AUTH_REQUIRED',
      `cannot log in to "${host}": its token address is on "${realm.host}"`,
      {
        hint: 'the login was not sent there, because it is the address of another site',
      },
    )
  }
  throw new BryoError(
    'AUTH_REQUIRED',
    `cannot log in to "${host}": ${realm.host} answered ${response.status}`,
    {
      hint: request.credentials
        ? 'the saved login is not accepted'
        : 'there is no login for this registry in the auth files',
    },
  )
}

/** The same host, or two names below one registered domain, such as `registry.example.org` and `auth.example.org`. */
export function isSameSite(a: string, b: string): boolean {
  if (a === b) return true
  if (/[:[]|^[\d.]+$/.test(a) || /[:[]|^[\d.]+$/.test(b)) return false
  return siteOf(a) !== undefined && siteOf(a) === siteOf(b)
}

/** The last two labels; three where the last two look like a public suffix (`co.uk`, `com.au`). */
function siteOf(host: string): string | undefined {
  const labels = host.toLowerCase().split('.')
  const [second = '', last = ''] = labels.slice(-2)
  const count = last.length === 2 && second.length <= 3 ? 3 : 2
  return labels.length < count ? undefined : labels.slice(-count).join('.')
}
