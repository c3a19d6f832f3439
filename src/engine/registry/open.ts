import { BryoError } from '../../base/errors.ts'
import type { ImageReference } from '../../image/reference.ts'
import type { Destination } from '../../image/registry/destination.ts'
import {
  pullEndpoints,
  pushEndpoint,
  type RegistriesConfig,
  resolveName,
} from '../../image/registry/endpoints.ts'
import type { Repository } from '../../image/registry/repository.ts'
import type { Engine } from '../engine.ts'
import { type RegistrySettings, registryOptions } from '../image/registryOptions.ts'
import { readRegistriesConfig } from './registriesConf.ts'

/** What a name means here, and what this host says of registries. @throws BryoError INVALID_REFERENCE, USAGE */
export async function resolveRegistry(
  engine: Pick<Engine, 'facts'>,
  text: string,
): Promise<{ readonly reference: ImageReference; readonly config: RegistriesConfig }> {
  const config = await readRegistriesConfig(engine.facts)
  return { reference: resolveName(config, text), config }
}

export interface PullSourceRequest<T> {
  readonly reference: ImageReference
  /** What is asked first; a mirror that fails here is passed over. */
  readonly first: (repository: Repository) => Promise<T>
}

export interface PullSource<T> {
  /** To be disposed of. */
  readonly repository: Repository
  readonly result: T
}

/**
 * Opens the first place that has what is asked for: mirrors in their order, then the registry itself. A password of the command line is
 * for the named registry only.
 * @throws BryoError AUTH_REQUIRED, NOT_FOUND, NETWORK, REGISTRY
 */
export async function openPullSource<T>(
  engine: Pick<Engine, 'facts'>,
  settings: RegistrySettings,
  { reference, first }: PullSourceRequest<T>,
): Promise<PullSource<T>> {
  const config = await readRegistriesConfig(engine.facts)
  // The registry client is loaded here: most commands never need it.
  const { openRepository } = await import('../../image/registry/repository.ts')
  let failure: unknown
  for (const endpoint of pullEndpoints(config, reference)) {
    const { isMirror, insecure } = endpoint
    const own = isMirror ? { ...settings, creds: undefined } : settings
    let repository: Repository | undefined
    try {
      const options = registryOptions(engine.facts, own, { insecure, config })
      repository = await openRepository(endpoint.reference, options)
      return { repository, result: await first(repository) }
    } catch (error) {
      repository?.[Symbol.dispose]()
      if (!isMirror || !(error instanceof BryoError)) throw error
      failure = error
    }
  }
  throw failure
}

/** @param where.mountFrom paths of repositories of the same registry */
export async function openPushDestination(
  engine: Pick<Engine, 'facts'>,
  settings: RegistrySettings,
  where: { readonly reference: ImageReference; readonly mountFrom?: readonly string[] },
): Promise<Destination> {
  const config = await readRegistriesConfig(engine.facts)
  const { insecure, reference } = pushEndpoint(config, where.reference)
  const { openDestination } = await import('../../image/registry/destination.ts')
  return openDestination(reference, {
    ...registryOptions(engine.facts, settings, { insecure, config }),
    mountFrom: where.mountFrom ?? [],
  })
}
