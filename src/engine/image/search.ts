import { hasDomain, parseReference, repositoryName } from '../../image/reference.ts'
import { pushEndpoint } from '../../image/registry/endpoints.ts'
import type { SearchResult } from '../../image/registry/search.ts'
import type { Engine } from '../engine.ts'
import { openPullSource, resolveRegistry } from '../registry/open.ts'
import { type RegistrySettings, registryOptions } from './registryOptions.ts'

export interface SearchRequest extends RegistrySettings {
  /** `word`, `registry.example.org/word`, or a registry with a slash alone. */
  readonly term: string
  readonly limit: number
}

/** Repositories by a word; of docker.io where the term names no registry. @throws BryoError AUTH_REQUIRED, NETWORK, REGISTRY */
export async function searchImages(
  engine: Pick<Engine, 'facts'>,
  request: SearchRequest,
): Promise<readonly SearchResult[]> {
  const { domain, term } = splitTerm(request.term)
  const { config } = await resolveRegistry(engine, `${domain}/x`)
  const { insecure } = pushEndpoint(config, parseReference(`${domain}/x`))
  const { searchRegistry } = await import('../../image/registry/search.ts')
  const options = registryOptions(engine.facts, request, { insecure, config })
  return searchRegistry({ domain, term, limit: request.limit }, options)
}

function splitTerm(text: string): { readonly domain: string; readonly term: string } {
  const [, domain, term] = /^([^/]+)\/(.*)$/.exec(text) ?? []
  if (domain === undefined || term === undefined || !hasDomain(`${domain}/x`))
    return { domain: 'docker.io', term: text }
  return { domain, term }
}

export interface ListedTags {
  readonly name: string
  /** In the registry's order. */
  readonly tags: readonly string[]
}

/** @throws BryoError NOT_FOUND, AUTH_REQUIRED, NETWORK, REGISTRY */
export async function listRepositoryTags(
  engine: Pick<Engine, 'facts'>,
  request: SearchRequest,
): Promise<ListedTags> {
  const { reference } = await resolveRegistry(engine, request.term.replace(/^docker:\/\//, ''))
  const opened = await openPullSource(engine, request, {
    reference,
    first: (repository) => repository.listTags(),
  })
  using _repository = opened.repository
  return { name: repositoryName(reference), tags: opened.result.slice(0, request.limit) }
}
