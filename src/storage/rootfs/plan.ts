import { statSync } from 'node:fs'
import type { Digest, HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { IdMaps } from '../../base/idmap.ts'
import type { RootfsPlan } from '../../base/rootfs.ts'
import { hostPath } from '../hostPath.ts'
import { isSharedLayer, layerDiffPath, layerId } from '../layer/layers.ts'
import { ensureDirectory } from '../makeDirectory.ts'
import type { Store } from '../store.ts'
import { removeTree } from '../tree/remove.ts'
import { planFuseMapping, seesDiskIds } from './fuseMapping.ts'

export type StorageDriver = 'overlay' | 'fuse-overlayfs'

export interface RootfsDriver {
  readonly driver: StorageDriver
  /** Finds fuse-overlayfs, which other id maps than the default need with either driver; throws where it is missing. */
  readonly fuseProgram: () => HostPath
  /** The container's. */
  readonly maps: IdMaps
  /** Those that layers are unpacked with. */
  readonly defaultMaps: IdMaps
  /** The container ends with its process (`--rm`): its changes need not reach the disk. */
  readonly ephemeral?: boolean
}

export interface RootfsRequest extends RootfsDriver {
  readonly store: Store
  /** Diff ids, lowest first. */
  readonly layers: readonly Digest[]
  readonly containerDirectory: HostPath
}

/**
 * The container's root over its image's layers. Makes the upper and work directories, keeping what is in them.
 * @throws BryoError STORAGE where a layer is missing, UNSUPPORTED for more layers than one mount takes
 */
export function planRootfs(request: RootfsRequest): RootfsPlan {
  const { store, layers, containerDirectory } = request
  for (const diffId of layers) requireLayer(store, diffId)
  const lower =
    layers.length === 0 ? ['../empty'] : layers.map((diffId) => lowerPath(store, diffId)).reverse()
  const top = layers.at(-1)
  const rootMode = top === undefined ? 0o755 : statSync(layerDiffPath(store, top)).mode & 0o7777
  const shared = layers.some((diffId) => isSharedLayer(store, diffId))
  return planOverlay(request, { lower, base: store.layers, containerDirectory, rootMode, shared })
}

/** Relative to the layers, so that many fit on a page; of an additional store absolute. */
function lowerPath(store: Store, diffId: Digest): string {
  const path = layerDiffPath(store, diffId)
  return path.startsWith(`${store.layers}/`) ? `${layerId(diffId)}/diff` : path
}

export interface DirectoryRequest extends RootfsDriver {
  /** An absolute path: the container's root. */
  readonly path: HostPath
  /** Changes go to the container, not to the directory. */
  readonly overlay: boolean
  readonly containerDirectory: HostPath
}

/** As {@link planRootfs}, for `--rootfs DIR` and `--rootfs DIR:O`. @throws BryoError NOT_FOUND */
export function planRootfsDirectory(request: DirectoryRequest): RootfsPlan {
  const { path, overlay, containerDirectory } = request
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isDirectory()) {
    throw new BryoError(
      'NOT_FOUND',
      `cannot use "${path}" as root: ${found ? 'not a directory' : 'it does not exist'}, expected a directory`,
    )
  }
  if (!overlay) return { kind: 'directory', path }
  return planOverlay(request, { lower: ['.'], base: path, containerDirectory, rootMode: found.mode & 0o7777 })
}

interface Directories {
  readonly lower: readonly string[]
  readonly base: HostPath
  readonly containerDirectory: HostPath
  /** Mode of the lowest directory: the upper one's is what the container sees. */
  readonly rootMode: number
  /** Some of them have owners and modes in attributes. */
  readonly shared?: boolean
}

function planOverlay(driver: RootfsDriver, directories: Directories): RootfsPlan {
  const { lower, base, containerDirectory, rootMode, shared = false } = directories
  const upper = hostPath(containerDirectory, 'upper')
  const work = hostPath(containerDirectory, 'work')
  ensureDirectory(upper, rootMode)
  // The kernel refuses a work directory that was in volatile use before: a restart gets a new one.
  if (driver.ephemeral) removeTree(work)
  ensureDirectory(work, 0o700)
  const common = { lower, base, upper, work, ...(driver.ephemeral && { volatile: true }) }
  if (driver.driver === 'overlay' && !shared && seesDiskIds(driver.maps, driver.defaultMaps)) {
    checkLength(common)
    return { kind: 'overlay', ...common }
  }
  const mapping = planFuseMapping(driver.maps, driver.defaultMaps, shared)
  const fuse = { kind: 'fuse-overlayfs', ...common, program: driver.fuseProgram() } as const
  switch (mapping.kind) {
    case 'none':
      return fuse
    case 'mapped':
      return { ...fuse, uidMapping: mapping.uid, gidMapping: mapping.gid }
    case 'server':
      return { ...fuse, serverMaps: mapping.maps }
  }
}

/** The kernel takes one page of mount options; what is left is for the words around the paths. */
const OPTION_BYTES = 4096 - 96

function checkLength({
  lower,
  upper,
  work,
}: {
  lower: readonly string[]
  upper: string
  work: string
}): void {
  const bytes = Buffer.byteLength(`${lower.join(':')}${upper}${work}`)
  if (bytes <= OPTION_BYTES) return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot stack ${lower.length} layers: their paths take ${bytes} bytes, expected at most ${OPTION_BYTES}`,
    { hint: 'build the image with fewer layers, or use --storage-driver fuse-overlayfs' },
  )
}

function requireLayer(store: Store, diffId: Digest): void {
  if (statSync(layerDiffPath(store, diffId), { throwIfNoEntry: false })) return
  throw new BryoError('STORAGE', `cannot use layer "${diffId}": not in the store`, {
    hint: 'pull or load the image again',
  })
}
