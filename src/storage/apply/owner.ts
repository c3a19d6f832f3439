import { readFileSync } from 'node:fs'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import { quotePath } from './layerPath.ts'

/**
 * `keep` sets the owners of the archive; `ignore` makes everything root's, where only one id is mapped; `attribute` makes it root's and
 * readable for all, with owner and mode in an attribute.
 */
export type OwnershipMode = 'keep' | 'ignore' | 'attribute'

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** How many ids this process's user namespace has; 0 where /proc does not say. */
export interface MappedIds {
  readonly uid: number
  readonly gid: number
}

/** @see user_namespaces(7) */
export function readMappedIds(): MappedIds {
  return { uid: countIds('/proc/self/uid_map'), gid: countIds('/proc/self/gid_map') }
}

function countIds(path: string): number {
  const text = unlessErrno(() => readFileSync(path, 'latin1'), 'ENOENT', 'EACCES') ?? ''
  return text.split('\n').reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2] ?? 0), 0)
}

/** The kernel says EINVAL to an id that has no map. */
export function explainChown(error: unknown, name: Uint8Array, owner: Owner, mapped: MappedIds): unknown {
  if (!isErrno(error, 'EINVAL')) return error
  const wanted = Math.max(owner.uid, owner.gid) + 1
  return new BryoError(
    'SUBIDS_MISSING',
    `cannot unpack ${quotePath(name)}: its owner is ${owner.uid}:${owner.gid}, but only ${mapped.uid} user ids and ${mapped.gid} group ids are mapped`,
    { hint: `grant at least ${wanted} subordinate ids in /etc/subuid and /etc/subgid`, cause: error },
  )
}
