import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import type { ContainerId, HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { HostIds } from '../../base/hostIds.ts'
import type { IdMaps } from '../../base/idmap.ts'
import type { RootfsPlan } from '../../base/rootfs.ts'
import { type ContainerRecord, containerRunDirectory } from '../../storage/container/record.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { chooseDriver, requireFuseOverlay } from '../../storage/rootfs/driver.ts'
import { planRootfs, planRootfsDirectory } from '../../storage/rootfs/plan.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { storageDriver } from './checkOptions.ts'
import { containerFilesDirectory } from './files.ts'
import {
  giveOverlays,
  givePipesToContainerRoot,
  giveToContainerRoot,
  letContainerRootPass,
  subordinateRoot,
} from './ownership.ts'
import type { StoredConfig } from './stored.ts'

interface RootfsSubject {
  readonly record: ContainerRecord
  readonly directory: HostPath
  readonly config: StoredConfig
}

export interface RootfsPlace {
  readonly rootfs: RootfsPlan
  /** Bryo was started as root: the container's root is not the caller. */
  readonly asHostRoot: boolean
  readonly mountPoint: HostPath
  readonly filesDirectory: HostPath
  /** To be called once the workload runs. */
  finish(): void
}

/** The root of a container and its place on the host, with owners for all that was made for it. */
export function prepareRootfs(
  engine: Engine,
  subject: RootfsSubject,
  { maps, inheritStdin }: { readonly maps: IdMaps; readonly inheritStdin: boolean },
): RootfsPlace {
  const { record, directory } = subject
  const rootfs = planRoot(engine, subject, maps)
  const root = subordinateRoot(engine, maps)
  const filesDirectory = containerFilesDirectory(engine, record.id)
  const generated = ['passwd', 'group'].map((name) => hostPath(filesDirectory, name))
  // Init writes them as the caller, who has no right to those of a former start.
  if (root) for (const path of generated) rmSync(path, { force: true })
  const mountPoint = makeMountPoint(engine, record.id, root)
  giveRootfs(engine, rootfs, {
    directories: [directory, containerRunDirectory(engine.store, record.id)],
    maps,
  })
  giveOverlays(root, hostPath(directory, 'overlays'))
  givePipesToContainerRoot(root, inheritStdin ? [0, 1, 2] : [1, 2])
  const finish = () =>
    giveToContainerRoot(
      root,
      generated.filter((path) => existsSync(path)),
    )
  return { rootfs, asHostRoot: root !== undefined, mountPoint, filesDirectory, finish }
}

/**
 * Where the root is put together: one directory for all containers, as each mounts in a namespace of its own. A directory for each would
 * have to be removed again, which takes an ext4 a hundred times as long as a file. Only where container root is not the caller it gets
 * one that it can reach.
 */
function makeMountPoint({ store }: Engine, id: ContainerId, root: HostIds | undefined): HostPath {
  const path = root ? hostPath(containerRunDirectory(store, id), 'root') : store.containerRuns
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return path
}

/** fuse-overlayfs keeps files as layers have them, whatever the container's maps are, and may run in the maps of the layers. */
function giveRootfs(
  engine: Engine,
  rootfs: RootfsPlan,
  { directories, maps }: { readonly directories: readonly HostPath[]; readonly maps: IdMaps },
): void {
  if (rootfs.kind === 'directory') return
  const isFuse = rootfs.kind === 'fuse-overlayfs'
  const owner = subordinateRoot(engine, isFuse ? defaultMaps(engine) : maps)
  giveToContainerRoot(owner, [rootfs.upper, rootfs.work])
  letContainerRootPass(subordinateRoot(engine, (isFuse && rootfs.serverMaps) || maps), directories)
}

function planRoot(engine: Engine, { record, directory, config }: RootfsSubject, maps: IdMaps): RootfsPlan {
  const searchPath = engine.facts.env.PATH ?? ''
  const driver = {
    driver:
      engine.facts.uid === 0
        ? rootDriver(engine)
        : chooseDriver({
            store: engine.store,
            requested: storageDriver(engine),
            runInUserns: engine.runInUserns,
            searchPath,
          }),
    fuseProgram: () => requireFuseOverlay(searchPath),
    maps,
    defaultMaps: defaultMaps(engine),
    ephemeral: record.autoRemove,
  }
  const { rootfs } = config.request
  if (!rootfs)
    return planRootfs({
      ...driver,
      store: engine.store,
      layers: record.layers,
      containerDirectory: directory,
    })
  const path = hostPath(rootfs.path)
  checkRootOwner(engine, path, maps)
  return planRootfsDirectory({
    ...driver,
    path,
    overlay: rootfs.overlay,
    containerDirectory: directory,
  })
}

/** Root's containers have subordinate ids, whose root could not even make its mount points in a tree of somebody else's. */
function checkRootOwner(engine: Engine, path: HostPath, maps: IdMaps): void {
  const root = subordinateRoot(engine, maps)
  const found = root && statSync(path, { throwIfNoEntry: false })
  if (!root || !found || found.uid === root.uid) return
  throw new BryoError(
    'PERMISSION',
    `cannot use "${path}" as root: it belongs to uid ${found.uid}, expected ${root.uid}, which is the container's root`,
    { hint: 'make an image of it with bryo import, or run bryo as the user whose files they are' },
  )
}

/** The kernel's overlay works for any root that can start containers at all: no probe is needed. */
function rootDriver(engine: Engine): 'overlay' | 'fuse-overlayfs' {
  return storageDriver(engine) === 'fuse-overlayfs' ? 'fuse-overlayfs' : 'overlay'
}
