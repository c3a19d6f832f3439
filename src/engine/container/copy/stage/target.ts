import { BryoError } from '../../../../base/errors.ts'
import type { TreeNode } from '../../../../storage/tree/node.ts'
import type { PlaceOptions } from '../../../../storage/tree/place.ts'
import { umask } from '../../../../syscall/process.ts'
import type { CopyPlan, FoundTarget } from '../plan.ts'
import { explained, type PathRoot, type ResolvedPath, resolvePath } from './resolve.ts'
import { type UnpackedTree, unpackTree } from './unpackTree.ts'

export interface TargetRequest {
  readonly path: string
  /** For messages. */
  readonly missing: string
}

export interface OpenedTarget extends Disposable {
  readonly found: FoundTarget
  /** Reads an archive to its end. */
  unpack(tarFd: number, into: CopyPlan['into'], options: PlaceOptions): UnpackedTree
}

/** Opens the place that is copied to, once. @throws BryoError NOT_FOUND where there is no directory to put it in */
export function openTarget(root: PathRoot, request: TargetRequest): OpenedTarget {
  const resolved = explained(request.path, () =>
    resolvePath(root, request.path, { keepDangling: root.kind === 'host' }),
  )
  if (!resolved) throw new BryoError('NOT_FOUND', request.missing)
  return {
    found: foundTarget(resolved),
    unpack: (tarFd, into, options) => {
      umask(0)
      return unpackTree(tarFd, directoryOf(resolved, into), options)
    },
    [Symbol.dispose]: () => resolved[Symbol.dispose](),
  }
}

function foundTarget({ node, name }: ResolvedPath): FoundTarget {
  if (!node) return { kind: 'missing', name }
  return node.facts.type === 'directory' ? { kind: 'directory', key: node.facts.key } : { kind: 'file', name }
}

function directoryOf({ node, parentFd }: ResolvedPath, into: CopyPlan['into']): number {
  if (into === 'parent') return parentFd
  return directoryFd(node)
}

function directoryFd(node: TreeNode | undefined): number {
  if (!node) throw new Error('nothing was found to copy into')
  return node.fd
}
