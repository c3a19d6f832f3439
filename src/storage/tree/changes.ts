import type { NodeFacts } from '../../base/treeEntry.ts'
import { childOf, type LayerPath, pathKey } from '../apply/layerPath.ts'
import { readLinkOf, type TreeNode } from './node.ts'
import { type DirectoryStack, type StackedNode, type StackLevel, stackDirectories } from './stack.ts'

/** Added, changed or deleted. */
export type ChangeKind = 'A' | 'C' | 'D'

export interface Change {
  readonly kind: ChangeKind
  readonly path: LayerPath
}

export interface Comparison {
  /** Topmost first; the fds are taken over. */
  readonly upper: readonly StackLevel[]
  readonly lower: readonly StackLevel[]
  /**
   * `layer`: `upper` is what was written over `lower`, so that every file in it is a change. `whole`: both are complete, and
   * files are compared.
   */
  readonly mode: 'layer' | 'whole'
}

/** What `upper` changes, a directory before what is in it, names in the order of their bytes. A change has all of its parents before it. */
export function* compareTrees({ upper, lower, mode }: Comparison): Generator<Change, void, undefined> {
  using above = stackDirectories(upper)
  using below = stackDirectories(lower)
  const context: CompareContext = { mode, unsaid: [] }
  yield* compareDirectories(context, { path: Buffer.alloc(0), above, below })
}

interface CompareContext {
  readonly mode: Comparison['mode']
  /** Parents that are themselves the same: they are told of with the first change below them. */
  readonly unsaid: Change[]
}

interface DirectoryPair {
  readonly path: LayerPath
  readonly above: DirectoryStack
  readonly below: DirectoryStack | undefined
}

function* compareDirectories(
  context: CompareContext,
  { path, above, below }: DirectoryPair,
): Generator<Change, void, undefined> {
  for (const name of comparedNames(context, above, below)) {
    using upper = above.open(name)
    using lower = below?.open(name)
    const child = childOf(path, name)
    if (upper) yield* compareNodes(context, { path: child, upper, lower })
    else if (lower) yield* say(context, { kind: 'D', path: child })
  }
}

function comparedNames(
  { mode }: CompareContext,
  above: DirectoryStack,
  below: DirectoryStack | undefined,
): readonly Buffer[] {
  const hides = mode === 'whole' || above.opaque
  const all = [...above.names(), ...above.hidden(), ...(hides && below ? below.names() : [])]
  return [...new Map(all.map((name) => [pathKey(name), name])).values()].sort(Buffer.compare)
}

interface NodePair {
  readonly path: LayerPath
  readonly upper: StackedNode
  readonly lower: StackedNode | undefined
}

function* compareNodes(
  context: CompareContext,
  { path, upper, lower }: NodePair,
): Generator<Change, void, undefined> {
  const kind = changeOf(context, upper.node, lower?.node)
  if (kind) yield* say(context, { kind, path })
  if (upper.node.facts.type !== 'directory') return
  const silent: Change = { kind: 'C', path }
  if (!kind) context.unsaid.push(silent)
  using above = upper.openStack()
  using below = lower?.node.facts.type === 'directory' ? lower.openStack() : undefined
  yield* compareDirectories(context, { path, above, below })
  if (context.unsaid.at(-1) === silent) context.unsaid.pop()
}

function changeOf(
  { mode }: CompareContext,
  upper: TreeNode,
  lower: TreeNode | undefined,
): ChangeKind | undefined {
  if (!lower) return 'A'
  const compared = mode === 'whole' || upper.facts.type === 'directory'
  return compared && isSame(upper, lower) ? undefined : 'C'
}

function isSame(a: TreeNode, b: TreeNode): boolean {
  if (a.facts.type !== b.facts.type || !hasSameFacts(a.facts, b.facts)) return false
  return a.facts.type !== 'symlink' || readLinkOf(a.fd).equals(readLinkOf(b.fd))
}

function hasSameFacts(a: NodeFacts, b: NodeFacts): boolean {
  return (
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.size === b.size &&
    a.mtime.seconds === b.mtime.seconds &&
    a.mtime.nanoseconds === b.mtime.nanoseconds &&
    a.devMajor === b.devMajor &&
    a.devMinor === b.devMinor
  )
}

function* say(context: CompareContext, change: Change): Generator<Change, void, undefined> {
  yield* context.unsaid.splice(0)
  yield change
}
