import { readFileSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import type { IdMapping, IdMaps } from '../base/idmap.ts'
import { checkIdMaps, composeExtent, parseIdMapFile } from './extents.ts'
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

/**
 * Maps to ids of the host, rewritten for a process that is inside of `parent` and creates the namespace there: to
 * be written with the method `direct`.
 * @throws BryoError IDMAP_FAILED where the parent does not have an id
 */
export function nestMaps(maps: IdMaps, parent: IdMaps): IdMaps {
  return checkIdMaps({
    uid: maps.uid.flatMap((extent) => nestExtent('uid', extent, parent.uid)),
    gid: maps.gid.flatMap((extent) => nestExtent('gid', extent, parent.gid)),
  })
}

function nestExtent(
  kind: 'uid' | 'gid',
  { containerId, hostId, size }: IdMapping,
  parent: readonly IdMapping[],
): readonly IdMapping[] {
  const inverse = parent.map((row) => ({ containerId: row.hostId, hostId: row.containerId, size: row.size }))
  const extents = composeExtent(inverse, { containerId, from: hostId, size })
  if (extents) return extents
  throw new BryoError(
    'IDMAP_FAILED',
    `cannot nest ${kind} map: host ids ${hostId} to ${hostId + size - 1} are not all in the outer namespace`,
  )
}
