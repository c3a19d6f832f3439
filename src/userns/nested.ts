import { readFileSync } from 'node:fs'
import type { IdMapping, IdMaps } from '../base/idmap.ts'
import { parseIdMapFile } from './extents.ts'
import { LAST_ID } from './ranges.ts'

/** The maps of a running process, as the caller's namespace sees them. */
export function readIdMaps(pid: number | 'self'): IdMaps {
  const read = (kind: 'uid' | 'gid') => parseIdMapFile(readFileSync(`/proc/${pid}/${kind}_map`, 'utf8'))
  return { uid: read('uid'), gid: read('gid') }
}

/** True for a namespace without all the ids of the host. */
export function isNested({ uid }: IdMaps): boolean {
  return uid.reduce((sum, { size }) => sum + size, 0) <= LAST_ID
}

/** Every id of a namespace as itself: a nested namespace with the same ids. One line for each extent of the parent. */
export function identityMaps(parent: IdMaps): IdMaps {
  const same = (extents: readonly IdMapping[]) =>
    extents.map(({ containerId, size }) => ({ containerId, hostId: containerId, size }))
  return { uid: same(parent.uid), gid: same(parent.gid) }
}
