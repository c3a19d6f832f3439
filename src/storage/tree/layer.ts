import { BryoError } from '../../base/errors.ts'
import type { TreeEntry, TreeMark } from '../../base/treeEntry.ts'
import { childOf, pathKey, quotePath } from '../apply/layerPath.ts'
import { type DirectoryStack, type StackLevel, stackDirectories } from './stack.ts'
import { entryOf } from './walk.ts'

/** A file of a layer, or what the layer says of those below it. */
export type LayerItem = { readonly kind: 'entry'; readonly entry: TreeEntry } | TreeMark

const MAX_DEPTH = 2000
const RESERVED = Buffer.from('.wh.')

/**
 * All that was written over lower trees: files, and the marks of what is gone from them, in the order of walkTree().
 * @param upper its fd is taken over
 * @throws BryoError UNSUPPORTED for a file whose name means a mark in an image
 */
export function* walkLayer(upper: StackLevel): Generator<LayerItem, void, undefined> {
  using stack = stackDirectories([upper])
  yield* walkDirectory(stack, Buffer.alloc(0), 0)
}

function* walkDirectory(
  stack: DirectoryStack,
  path: Buffer,
  depth: number,
): Generator<LayerItem, void, undefined> {
  if (depth > MAX_DEPTH)
    throw new BryoError('STORAGE', 'cannot read a layer: its directories are nested too deeply')
  for (const name of namesAndMarks(stack)) {
    const child = childOf(path, name)
    using found = stack.open(name)
    if (!found) {
      yield { kind: 'whiteout', path: child }
      continue
    }
    if (name.subarray(0, RESERVED.length).equals(RESERVED)) throw reservedName(child)
    yield { kind: 'entry', entry: entryOf(found.node, child) }
    if (found.node.facts.type !== 'directory') continue
    using below = found.openStack()
    if (below.opaque) yield { kind: 'opaque', path: child }
    yield* walkDirectory(below, child, depth + 1)
  }
}

function namesAndMarks(stack: DirectoryStack): readonly Buffer[] {
  const all = [...stack.names(), ...stack.hidden()]
  return [...new Map(all.map((name) => [pathKey(name), name])).values()].sort(Buffer.compare)
}

function reservedName(path: Buffer): BryoError {
  return new BryoError(
    'UNSUPPORTED',
    `cannot make a layer of ${quotePath(path)}: a name that starts with .wh. says in an image that a file is gone`,
    { hint: 'rename the file, or take the whole root as one layer: bryo export' },
  )
}
