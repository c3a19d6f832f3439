import { existsSync } from 'node:fs'
import type { HostFacts } from '../base/hostFacts.ts'
import type { IdMaps } from '../base/idmap.ts'
import { once } from '../base/once.ts'
import { findHostAddress } from '../netns/host-address.ts'
import { withAdditionalStores } from '../storage/additional.ts'
import { resolveStorePaths, type StorePaths } from '../storage/paths.ts'
import type { RunInUserns } from '../storage/runInUserns.ts'
import { openStore, type Store } from '../storage/store.ts'
import { runInUserNamespace } from '../userns/enter.ts'
import { type Identity, readIdentity } from '../userns/identity.ts'
import { type IdMapPlan, planIdMaps } from '../userns/plan.ts'
import { readSubordinateIds, type SubordinateIds } from '../userns/subids.ts'
import { readStorageConf, refuseRemoteHome } from './storageConf.ts'
import { findUnshared } from './unshared.ts'

export interface EngineOptions {
  readonly root?: string | undefined
  readonly runroot?: string | undefined
  /** `auto`, `overlay` or `fuse-overlayfs`. */
  readonly storageDriver?: string | undefined
  /** `--storage-opt force_mask=shared`: a store that has to be made is one for other users to read. */
  readonly sharedStore?: boolean | undefined
  /** `--storage-opt additionalimagestore=DIR`. */
  readonly additionalStores?: readonly string[] | undefined
}

/** What every use case stands on. The parts that cost something are read on first use, once. */
export interface Engine {
  readonly facts: HostFacts
  readonly options: EngineOptions
  /** This process runs inside of `bryo unshare`, as root of a namespace with the default map. */
  readonly unshared: boolean
  readonly store: Store
  readonly identity: () => Identity
  readonly subids: () => SubordinateIds
  /** The map that layers are unpacked with: container root is the caller, the rest subordinate ids. */
  readonly defaultIds: () => IdMapPlan
  /** The host's own IPv4 address, as containers may reach it. */
  readonly hostAddress: () => string | undefined
  /** Runs a function as root of a namespace with the default map, with a mount namespace of its own. */
  readonly runInUserns: RunInUserns
}

/** @param open storeAt() for a store that may be damaged or of another version: nothing is made or looked at then */
export function openEngine(
  facts: HostFacts,
  options: EngineOptions = {},
  open: (paths: StorePaths) => Store = openStore,
): Engine {
  const unshared = findUnshared(facts)
  const conf = readStorageConf(facts)
  const { root = unshared?.dataRoot ?? conf.graphroot, runroot = unshared?.runRoot } = options
  const paths = resolveStorePaths({ dataRoot: root, runRoot: runroot, env: facts.env, uid: facts.uid })
  if (root === undefined && !existsSync(paths.dataRoot)) refuseRemoteHome(paths.dataRoot, facts.uid)
  const stores = [...(options.additionalStores ?? []), ...conf.additionalImageStores]
  const shared = options.sharedStore || (options.root === undefined && (conf.shared ?? false))
  const store = withAdditionalStores(open({ ...paths, shared }), stores, facts.uid)
  const searchPath = facts.env.PATH
  const identity = once(() => readIdentity({ uid: facts.uid, gid: facts.gid, searchPath }))
  const subids = once(() => readSubordinateIds({ uid: facts.uid, userName: identity().userName, searchPath }))
  const defaultIds = once(() =>
    unshared ? { maps: unshared.maps } : planIdMaps({ kind: 'default' }, identity(), { subids: subids() }),
  )
  const runInUserns: RunInUserns = (main) =>
    runInUserNamespace({
      maps: defaultIds().maps,
      identity: identity(),
      main,
      namespaces: ['mount'],
      searchPath,
    })
  return {
    facts,
    options,
    unshared: unshared !== undefined,
    store,
    identity,
    subids,
    defaultIds,
    hostAddress: once(findHostAddress),
    runInUserns,
  }
}

/** The maps of the default namespace. */
export function defaultMaps(engine: Engine): IdMaps {
  return engine.defaultIds().maps
}
