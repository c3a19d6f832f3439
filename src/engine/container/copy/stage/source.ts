import { closeSync } from 'node:fs'
import { BryoError, isErrno } from '../../../../base/errors.ts'
import type { TreeEntry } from '../../../../base/treeEntry.ts'
import { createFdTarWriter } from '../../../../image/tar/write.ts'
import { nodeOf, openNode, type TreeNode } from '../../../../storage/tree/node.ts'
import { stackDirectories } from '../../../../storage/tree/stack.ts'
import { walkNode } from '../../../../storage/tree/walk.ts'
import { O } from '../../../../syscall/file.ts'
import { createTreeWriter } from '../../../stage/writeTree.ts'
import type { CopyPlan, FoundSource } from '../plan.ts'
import { explained, type PathRoot, resolvePath } from './resolve.ts'

export interface SourceRequest {
  readonly path: string
  /** What is in the directory, not the directory. */
  readonly contents: boolean
  /** The name to copy it under; by default the one that the path has led to. */
  readonly name: string | undefined
  /** For messages. */
  readonly missing: string
}

export interface OpenedSource extends Disposable {
  readonly found: FoundSource
  /** Writes the archive. @param skip the key of a directory that is left out */
  write(outFd: number, plan: Pick<CopyPlan, 'prefix' | 'includeSelf'>, skip?: string): void
}

/** Opens what is to be copied, once: what has its name later does not matter. @throws BryoError NOT_FOUND */
export function openSource(root: PathRoot, request: SourceRequest): OpenedSource {
  const { node, name } = explained(request.path, () => openNamed(root, request))
  const found = {
    isDirectory: node.facts.type === 'directory',
    name,
    contents: request.contents || name === '',
  }
  return {
    found,
    write: (outFd, plan, skip) => writeSource(node, { outFd, plan, skip }),
    [Symbol.dispose]: () => node[Symbol.dispose](),
  }
}

interface NamedNode {
  readonly node: TreeNode
  readonly name: string
}

function openNamed(root: PathRoot, { path, name, missing }: SourceRequest): NamedNode {
  if (name !== undefined) return { node: openGiven(root, path, missing), name }
  const resolved = resolvePath(root, path)
  if (!resolved) throw new BryoError('NOT_FOUND', missing)
  closeSync(resolved.parentFd)
  if (!resolved.node) throw new BryoError('NOT_FOUND', missing)
  return { node: resolved.node, name: resolved.name }
}

function openGiven(root: PathRoot, path: string, missing: string): TreeNode {
  try {
    return nodeOf(root.open(path, O.path))
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new BryoError('NOT_FOUND', missing, { cause: error })
  }
}

interface WriteRequest {
  readonly outFd: number
  readonly plan: Pick<CopyPlan, 'prefix' | 'includeSelf'>
  readonly skip: string | undefined
}

const EMPTY = Buffer.alloc(0)
const SLASH = Buffer.from('/')
const SELF = Buffer.from('.')

function writeSource(node: TreeNode, { outFd, plan, skip }: WriteRequest): void {
  const prefix = Buffer.from(plan.prefix, 'latin1')
  const nameOf = (path: Buffer): Buffer | undefined => {
    if (path.length === 0) return plan.includeSelf ? prefix : undefined
    return prefix.length === 0 ? path : Buffer.concat([prefix, SLASH, path])
  }
  const writer = createTreeWriter(createFdTarWriter(outFd), { nameOf })
  const walked = walkNode(
    {
      node,
      openStack: () => stackDirectories([{ fd: duplicate(node.fd), style: 'none' }]),
      [Symbol.dispose]: () => {},
    },
    EMPTY,
    { isLeftOut: (entry: TreeEntry) => skip !== undefined && entry.facts.key === skip },
  )
  for (const entry of walked) writer.add(entry)
  writer.finish()
}

function duplicate(fd: number): number {
  const again = openNode(fd, SELF)
  if (!again) throw new Error('a directory has no "."')
  return again.fd
}
