import { BryoError } from '../../base/errors.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { parseJsonObject } from '../json.ts'
import { DEFAULT_DOMAIN } from '../reference.ts'
import { type Connection, connect, type RegistryOptions } from './connect.ts'
import { printable, readLimited, responseError } from './response.ts'
import { isTransientAtFirst, withRetry } from './retry.ts'

export interface SearchResult {
  /** `registry.example.org/team/app`, in full. */
  readonly name: string
  readonly description: string
  readonly stars: number
  readonly official: boolean
  readonly automated: boolean
}

export interface SearchQuery {
  /** `docker.io`. */
  readonly domain: string
  readonly term: string
  /** At most so many. */
  readonly limit: number
}

const MAX_ANSWER = 4 * 1024 * 1024
/** The Hub searches elsewhere than it serves. */
const HUB_INDEX = 'index.docker.io'
const MAX_PAGES = 100
const PAGE = 100

/**
 * Asks a registry for repositories by a word: by its search, or where it has none by the list of all that it has.
 * @throws BryoError AUTH_REQUIRED, NETWORK, REGISTRY
 */
export async function searchRegistry(
  query: SearchQuery,
  options: RegistryOptions,
): Promise<readonly SearchResult[]> {
  const found = await searchIndex(query, options)
  if (found) return found.slice(0, query.limit)
  return searchCatalog(query, options)
}

/** The search of the first version of the protocol; undefined where the registry has none. */
async function searchIndex(
  { domain, term, limit }: SearchQuery,
  options: RegistryOptions,
): Promise<readonly SearchResult[] | undefined> {
  const hub = domain === DEFAULT_DOMAIN
  using connection = await connect(options, {
    domain: hub ? HUB_INDEX : domain,
    root: '/v1/',
    scopes: [],
    login: domain,
    purpose: 'search',
  })
  const query = new URLSearchParams({ q: term, n: String(limit) })
  const { session } = connection
  const response = await again(connection, () => session.get(`search?${query}`, JSON_ONLY))
  const isJson = /json/.test(response.headers['content-type'] ?? '')
  if (response.status !== 200 || !isJson) {
    response.discard()
    if (hub) throw await responseError(`repositories named "${term}"`, session.base.host, response, 'search')
    return undefined
  }
  const bytes = await readLimited(response.body, MAX_ANSWER, `what ${session.base.host} has found`)
  const { results } = parseJsonObject('search result', bytes, MAX_ANSWER)
  if (!Array.isArray(results)) {
    throw new BryoError('REGISTRY', `cannot search "${domain}": the registry sent no list`)
  }
  return results.filter(isObject).flatMap((result) => readResult(domain, result))
}

const JSON_ONLY = { accept: 'application/json' }

function readResult(domain: string, result: JsonObject): readonly SearchResult[] {
  if (typeof result.name !== 'string' || result.name === '') return []
  const name = printable(result.name)
  const official = result.is_official === true
  const full = official && domain === DEFAULT_DOMAIN && !name.includes('/') ? `library/${name}` : name
  return [
    {
      name: `${domain}/${full}`,
      description: typeof result.description === 'string' ? printable(result.description) : '',
      stars: typeof result.star_count === 'number' ? result.star_count : 0,
      official,
      automated: result.is_automated === true,
    },
  ]
}

/** @see https://distribution.github.io/distribution/spec/api/#listing-repositories */
async function searchCatalog(
  { domain, term, limit }: SearchQuery,
  options: RegistryOptions,
): Promise<readonly SearchResult[]> {
  using connection = await connect(options, {
    domain,
    root: '/v2/',
    scopes: ['registry:catalog:*'],
    login: domain,
    purpose: 'search',
  })
  const { session } = connection
  const found: SearchResult[] = []
  let query = `n=${PAGE}`
  for (let page = 0; page < MAX_PAGES && found.length < limit; page++) {
    const response = await again(connection, () => session.get(`_catalog?${query}`, JSON_ONLY))
    const what = `repositories of "${domain}"`
    if (response.status !== 200) throw await responseError(what, session.base.host, response, 'list')
    const bytes = await readLimited(response.body, MAX_ANSWER, what)
    const { repositories } = parseJsonObject(what, bytes, MAX_ANSWER)
    const names = Array.isArray(repositories) ? repositories : []
    for (const name of names) {
      if (typeof name !== 'string' || !name.includes(term)) continue
      const none = { description: '', stars: 0, official: false, automated: false }
      found.push({ name: `${domain}/${printable(name)}`, ...none })
    }
    const next = /<[^>]*\?([^>]*)>\s*;\s*rel="?next"?/.exec(String(response.headers.link ?? ''))
    if (!next?.[1]) break
    query = next[1]
  }
  return found.slice(0, limit)
}

function again<T>({ retry }: Connection, work: () => Promise<T>): Promise<T> {
  return withRetry(retry, work, isTransientAtFirst)
}
