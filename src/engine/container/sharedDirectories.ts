import { closeSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { beginLayer, isSharedLayer } from '../../storage/layer/layers.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { giveToContainerRoot, subordinateRoot } from './ownership.ts'
import { runInMaps } from './rootAccess/runInMaps.ts'
import { openDirectory, openLayers } from './rootAccess/trees.ts'
import { copyDirectories } from './stage/copyDirectories.ts'

/**
 * Where layers of a shared store are among them, puts one more layer on top: their directories alone, owned as the image says. Debian 12's
 * fuse-overlayfs copies a directory up with the owner that it has on the disk, which in a shared store is somebody else; so it finds
 * these first. Made once for an image, in the user's own store.
 * @param layers the lowest first
 */
export async function withOwnDirectories(
  engine: Engine,
  layers: readonly Digest[],
): Promise<readonly Digest[]> {
  const { store } = engine
  if (!layers.some((diffId) => isSharedLayer(store, diffId))) return layers
  const { digestOf } = await import('../../image/verify.ts')
  const id = digestOf(Buffer.from(`directories of ${layers.join(' ')}`))
  using draft = await beginLayer(store, id, engine.runInUserns)
  if (draft) {
    makeDirectories(engine, layers, draft.directory)
    draft.commit({ size: 0, isDerived: true })
  }
  return [...layers, id]
}

function makeDirectories(engine: Engine, layers: readonly Digest[], target: string): void {
  using stack = new DisposableStack()
  const open = (path: string) => stack.adopt(openDirectory(path), closeSync)
  const levels = openLayers(engine, layers, open)
  const maps = defaultMaps(engine)
  giveToContainerRoot(subordinateRoot(engine, maps), [target])
  const targetFd = open(target)
  runInMaps(engine, {
    what: 'make directories of an image',
    maps,
    keepFds: [targetFd, ...levels.map(({ fd }) => fd)],
    work: () => copyDirectories(levels, targetFd),
  })
}
