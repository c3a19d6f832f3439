import type { HostFacts } from '../../base/hostFacts.ts'
import { shortId } from '../../base/shortId.ts'
import type { Engine } from '../../engine/engine.ts'
import type { GlobalOptions } from '../command.ts'
import type { NamedObject } from '../flags/flag.ts'
import type { Candidate } from './offer.ts'

type Lister = (engine: Engine) => Promise<readonly Candidate[]>

/** Who knows the names of which objects; each lister loads what it needs. */
const LISTERS: Readonly<Record<NamedObject, Lister>> = {
  containers: async ({ store }) => {
    const { readContainers } = await import('../../storage/container/find.ts')
    return readContainers(store).map(({ id, name }) => ({ text: name, description: shortId(id) }))
  },
  images: async (engine) => {
    const { listImages } = await import('../../engine/image/list.ts')
    const { familiarName, parseReference } = await import('../../image/reference.ts')
    const { readManifestLists } = await import('../../storage/manifestList/read.ts')
    const named = [
      ...listImages(engine).map(({ id, names }) => ({ names, description: shortId(id) })),
      ...readManifestLists(engine.store).map(({ name }) => ({ names: [name], description: 'manifest list' })),
    ]
    return named.flatMap(({ names, description }) => {
      const texts = names.flatMap((name) => [
        name,
        familiarName(parseReference(name)),
        name.replace(/^localhost\//, ''),
      ])
      return [...new Set(texts)].map((text) => ({ text, description }))
    })
  },
  secrets: async ({ store }) => {
    const { readSecretInfos } = await import('../../storage/secret/secrets.ts')
    return readSecretInfos(store).map(({ id, name }) => ({ text: name, description: id }))
  },
  volumes: async ({ store }) => {
    const { readVolumes } = await import('../../storage/volume/volumes.ts')
    return readVolumes(store).map(({ name }) => ({ text: name }))
  },
}

/** Names in the store. A store that cannot be read offers none: a shell has no place for an error. */
export async function completeNames(
  kinds: readonly NamedObject[],
  facts: HostFacts,
  global: GlobalOptions | undefined,
): Promise<readonly Candidate[]> {
  if (global === undefined) return []
  try {
    const { openEngine } = await import('../../engine/engine.ts')
    const { root, runroot, storageDriver, additionalStores } = global
    const engine = openEngine(facts, { root, runroot, storageDriver, additionalStores })
    return (await Promise.all(kinds.map((kind) => LISTERS[kind](engine)))).flat()
  } catch {
    return []
  }
}
