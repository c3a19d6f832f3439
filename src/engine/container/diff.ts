import { closeSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { findContainer } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Comparison } from '../../storage/tree/changes.ts'
import type { StackLevel } from '../../storage/tree/stack.ts'
import { defaultMaps, type Engine } from '../engine.ts'
import { findLocalImage } from '../image/find.ts'
import { isOwnPath } from './ownPaths.ts'
import { runInMaps } from './rootAccess/runInMaps.ts'
import { type ContainerTrees, openContainerTrees, openDirectory, openLayers } from './rootAccess/trees.ts'
import { listChanges, type PathChange } from './stage/listChanges.ts'

export type DiffSubject = 'all' | 'container' | 'image'

/**
 * `diff`: what a container has changed in its image, or the top layer of an image in those below it. With a second name, how
 * the first one differs from that as a whole.
 * @throws BryoError NOT_FOUND, AMBIGUOUS
 */
export function diffObjects(
  engine: Engine,
  names: readonly [string, string?],
  subject: DiffSubject,
): readonly PathChange[] {
  using stack = new DisposableStack()
  const [first, second] = names.map((name) => stack.use(openSubject(engine, name ?? '', subject)))
  if (!first) return []
  const comparison: Comparison = second
    ? { mode: 'whole', upper: all(first), lower: all(second) }
    : { mode: 'layer', upper: first.upper ? [first.upper] : [], lower: first.lower }
  const changes = runInMaps<readonly PathChange[]>(engine, {
    what: 'compare files',
    maps: first.maps,
    keepFds: [...comparison.upper, ...comparison.lower].map(({ fd }) => fd),
    work: () => listChanges(comparison),
  })
  return changes.filter(({ path }) => !isOwnPath(path))
}

function all({ upper, lower }: ContainerTrees): readonly StackLevel[] {
  return upper ? [upper, ...lower] : lower
}

function openSubject(engine: Engine, name: string, subject: DiffSubject): ContainerTrees {
  const container = subject === 'image' ? undefined : findContainer(engine.store, name)
  if (container) return openContainer(engine, container)
  const image = subject === 'container' ? undefined : findLocalImage(engine.store, name)
  if (image) return openImage(engine, image)
  const kinds = subject === 'all' ? 'container or image' : subject
  throw new BryoError('NOT_FOUND', `"${name}" not found: no such ${kinds}`)
}

function openContainer(engine: Engine, record: ContainerRecord): ContainerTrees {
  const trees = openContainerTrees(engine, record)
  if (!trees.isDirectory) return trees
  trees[Symbol.dispose]()
  throw new BryoError(
    'UNSUPPORTED',
    `cannot tell what container "${record.name}" has changed: its root is a directory of its own, expected an image`,
  )
}

function openImage(engine: Engine, image: ImageRecord): ContainerTrees {
  const stack = new DisposableStack()
  const layers = image.layers.map(({ diffId }) => diffId)
  const [upper, ...lower] = openLayers(engine, layers, (path) => stack.adopt(openDirectory(path), closeSync))
  return {
    upper,
    lower,
    isDirectory: false,
    maps: defaultMaps(engine),
    [Symbol.dispose]: () => stack.dispose(),
  }
}
