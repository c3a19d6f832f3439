import { BryoError } from '../base/errors.ts'
import type { IdMapping, IdMaps } from '../base/idmap.ts'
import { toContainerId } from '../base/idmap.ts'
import { composeExtent } from './extents.ts'
import type { IdMapRequest } from './map-request.ts'
import { rangesOverlap } from './ranges.ts'

/**
 * The maps that `--uidmap` and `--gidmap` ask for. Requests that extend are put into the default map, of which
 * everything that collides with them is taken out; without any request for a kind, the default map is used.
 */
export function planExplicit(
  requests: { readonly uid: readonly IdMapRequest[]; readonly gid: readonly IdMapRequest[] },
  intermediate: IdMaps,
): IdMaps {
  return {
    uid: applyRequests('uid', requests.uid, intermediate.uid),
    gid: applyRequests('gid', requests.gid, intermediate.gid),
  }
}

function applyRequests(
  kind: 'uid' | 'gid',
  requests: readonly IdMapRequest[],
  table: readonly IdMapping[],
): readonly IdMapping[] {
  const wanted = requests.flatMap((request) => resolveRequest(kind, request, table))
  const extend = requests.length === 0 || requests.some((request) => request.extends)
  if (!extend) return wanted
  return [...wanted.reduce(withoutConflicts, table), ...wanted]
}

/** The extents, in ids of the host, of one request. @throws BryoError USAGE where ids are not the caller's to map */
export function resolveRequest(
  kind: 'uid' | 'gid',
  { containerId, from, size }: IdMapRequest,
  table: readonly IdMapping[],
): readonly IdMapping[] {
  const first = from.space === 'host' ? toContainerId(table, from.id) : from.id
  const extents = first === undefined ? undefined : composeExtent(table, { containerId, from: first, size })
  if (extents && (from.space === 'intermediate' || isShiftedOnly(extents, containerId, from.id)))
    return extents
  const last = table.reduce((max, row) => Math.max(max, row.containerId + row.size - 1), -1)
  const what = from.space === 'host' ? `host ${kind}s` : `${kind}s`
  throw new BryoError(
    'USAGE',
    `cannot map ${what} ${from.id} to ${from.id + size - 1}: not granted to you, expected ids within 0 to ${last}`,
    { hint: '0 is you, 1 and up are your subordinate ids in the order of /etc/subuid and /etc/subgid' },
  )
}

/** Consecutive host ids may lie in ranges that are not neighbours in the intermediate ids. */
function isShiftedOnly(extents: readonly IdMapping[], containerId: number, hostId: number): boolean {
  return extents.every((extent) => extent.hostId - extent.containerId === hostId - containerId)
}

/** `extents` without the ids, inside or outside, that `taken` has. */
function withoutConflicts(extents: readonly IdMapping[], taken: IdMapping): readonly IdMapping[] {
  return extents
    .flatMap((extent) => cut(extent, taken.containerId - extent.containerId, taken.size))
    .flatMap((extent) => cut(extent, taken.hostId - extent.hostId, taken.size))
}

/** Takes `size` ids out, the first of them `offset` after the start of the extent. */
function cut(extent: IdMapping, offset: number, size: number): readonly IdMapping[] {
  if (!rangesOverlap({ start: 0, count: extent.size }, { start: offset, count: size })) return [extent]
  const after = offset + size
  return [
    { ...extent, size: offset },
    {
      containerId: extent.containerId + after,
      hostId: extent.hostId + after,
      size: extent.size - after,
    },
  ].filter((piece) => piece.size > 0)
}
