import { closeSync, openSync } from 'node:fs'
import type { Digest } from '../../../base/brand.ts'
import { BryoError, isErrno } from '../../../base/errors.ts'
import type { IdMaps } from '../../../base/idmap.ts'
import { type ContainerRecord, containerDirectory } from '../../../storage/container/record.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { isSharedLayer, layerDiffPath } from '../../../storage/layer/layers.ts'
import { chooseDriver } from '../../../storage/rootfs/driver.ts'
import { seesDiskIds } from '../../../storage/rootfs/fuseMapping.ts'
import { LAYER_STYLE, type MarkStyle } from '../../../storage/tree/marks.ts'
import type { StackLevel } from '../../../storage/tree/stack.ts'
import { O } from '../../../syscall/file.ts'
import { defaultMaps, type Engine } from '../../engine.ts'
import { storageDriver } from '../checkOptions.ts'
import { planContainerIds } from '../ids.ts'
import { storedConfig } from '../stored.ts'

/** The directories that a container's root is made of, each open: what it has on the disk, whether it runs or not. */
export interface ContainerTrees extends Disposable {
  /** What the container itself wrote; undefined where its root is a directory of the user's. */
  readonly upper: StackLevel | undefined
  /** What it wrote over, the topmost first; for a root that is a directory, that one. */
  readonly lower: readonly StackLevel[]
  /** The root is a directory of the user's, and nothing lies below it. */
  readonly isDirectory: boolean
  /** The ids on the disk are what these maps make of the container's. */
  readonly maps: IdMaps
}

/** @throws BryoError STORAGE where a layer is missing, NOT_FOUND for a directory of the user's that is gone */
export function openContainerTrees(engine: Engine, record: ContainerRecord): ContainerTrees {
  const stack = new DisposableStack()
  try {
    const trees = openTrees(engine, record, (path, style) => {
      const fd = openDirectory(path)
      stack.defer(() => closeSync(fd))
      return { fd, style }
    })
    return { ...trees, [Symbol.dispose]: () => stack.dispose() }
  } catch (error) {
    stack.dispose()
    throw error
  }
}

type OpenLevel = (path: string, style: MarkStyle) => StackLevel

function openTrees(
  engine: Engine,
  record: ContainerRecord,
  open: OpenLevel,
): Omit<ContainerTrees, typeof Symbol.dispose> {
  const { request } = storedConfig(record)
  const { rootfs } = request
  const { maps } = planContainerIds(engine, request)
  if (rootfs && !rootfs.overlay)
    return { upper: undefined, lower: [open(rootfs.path, 'none')], isDirectory: true, maps }
  const upper = openUpper(engine, record, maps, open)
  const common = { upper, isDirectory: false, maps: defaultMaps(engine) }
  if (rootfs) return { ...common, lower: [open(rootfs.path, 'kernel')] }
  return { ...common, lower: openLayers(engine, record.layers, (path) => open(path, LAYER_STYLE).fd) }
}

/** Layers as levels, the topmost first. @param layers the lowest first */
export function openLayers(
  { store }: Engine,
  layers: readonly Digest[],
  open: (path: string) => number,
): readonly StackLevel[] {
  return layers.toReversed().map((diffId) => ({
    fd: open(layerDiffPath(store, diffId)),
    style: LAYER_STYLE,
    overrides: isSharedLayer(store, diffId),
  }))
}

/** Before its first start a container has none. */
function openUpper(
  engine: Engine,
  record: ContainerRecord,
  maps: IdMaps,
  open: OpenLevel,
): StackLevel | undefined {
  const path = hostPath(containerDirectory(engine.store, record.id), 'upper')
  try {
    const isShared = record.layers.some((diffId) => isSharedLayer(engine.store, diffId))
    return open(path, isShared || usesFuse(engine, maps) ? 'fuse' : 'kernel')
  } catch (error) {
    if (!(error instanceof BryoError) || error.code !== 'NOT_FOUND') throw error
    return undefined
  }
}

/** As the start of the container decides. */
function usesFuse(engine: Engine, maps: IdMaps): boolean {
  if (!seesDiskIds(maps, defaultMaps(engine))) return true
  const requested = storageDriver(engine)
  if (engine.facts.uid === 0) return requested === 'fuse-overlayfs'
  const { store, runInUserns, facts } = engine
  const driver = chooseDriver({ store, requested, runInUserns, searchPath: facts.env.PATH ?? '' })
  return driver === 'fuse-overlayfs'
}

/** @throws BryoError NOT_FOUND */
export function openDirectory(path: string): number {
  try {
    return openSync(path, O.path | O.directory | O.cloexec)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new BryoError('NOT_FOUND', `cannot read "${path}": no such directory`, { cause: error })
  }
}
