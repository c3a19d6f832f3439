import { BryoError } from '../../base/errors.ts'
import type { TreeEntry } from '../../base/treeEntry.ts'
import { FS_MAGIC, filesystemTypeOfFd } from '../../syscall/mount.ts'
import { childOf } from '../apply/layerPath.ts'
import { openContentOf, portableXattrs, readLinkOf, type TreeNode } from './node.ts'
import { type DirectoryStack, type StackedNode, type StackLevel, stackDirectories } from './stack.ts'

/** Each level of a walk holds a few fds. */
const MAX_DEPTH = 2000

/**
 * Everything below the root, parents before what is in them, names in the order of their bytes. Each level of the tree is
 * walked by fds: whoever moves things about meanwhile leads the walk nowhere else. What vanishes meanwhile is left out; what
 * the kernel itself makes up (/proc, /sys) is not looked into.
 * @param levels the tree, or trees that lie on each other, the topmost first; their fds are taken over
 */
export function* walkTree(levels: readonly StackLevel[]): Generator<TreeEntry, void, undefined> {
  using stack = stackDirectories(levels)
  yield* walkStack(stack, ROOT, { depth: 0 })
}

const ROOT = Buffer.alloc(0)

export interface WalkOptions {
  /** Levels above; 0 by default. */
  readonly depth?: number
  /** Neither it nor what is in it is visited. */
  readonly isLeftOut?: (entry: TreeEntry) => boolean
}

function* walkStack(
  stack: DirectoryStack,
  path: Buffer,
  options: WalkOptions,
): Generator<TreeEntry, void, undefined> {
  for (const name of stack.names()) {
    using found = stack.open(name)
    if (found) yield* walkNode(found, childOf(path, name), options)
  }
}

/** A file, and what is below it. */
export function* walkNode(
  found: StackedNode,
  path: Buffer,
  options: WalkOptions,
): Generator<TreeEntry, void, undefined> {
  const { depth = 0 } = options
  if (depth > MAX_DEPTH) {
    throw new BryoError('STORAGE', 'cannot read a tree: its directories are nested too deeply')
  }
  const entry = entryOf(found.node, path)
  if (options.isLeftOut?.(entry)) return
  yield entry
  if (found.node.facts.type !== 'directory' || isOfKernel(found.node)) return
  using below = found.openStack()
  yield* walkStack(below, path, { ...options, depth: depth + 1 })
}

export function entryOf({ fd, facts }: TreeNode, path: Buffer): TreeEntry {
  return {
    path,
    facts,
    linkTarget: () => readLinkOf(fd),
    xattrs: () => portableXattrs(fd),
    openContent: () => openContentOf(fd),
  }
}

const KERNEL_FILESYSTEMS: readonly number[] = [FS_MAGIC.proc, FS_MAGIC.sysfs, FS_MAGIC.cgroup2]

function isOfKernel({ fd }: TreeNode): boolean {
  return KERNEL_FILESYSTEMS.includes(filesystemTypeOfFd(fd))
}
