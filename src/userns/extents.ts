import { BryoError } from '../base/errors.ts'
import type { IdMapping, IdMaps } from '../base/idmap.ts'
import { type IdRange, isId, rangesOverlap } from './ranges.ts'

/** Lines of an id map since Linux 4.15. @see user_namespaces(7) */
export const MAX_EXTENTS = 340
/** The kernel takes a map in one write of less than a page; pages of 4096 bytes are the smallest. */
const MAX_MAP_BYTES = 4095

/** The text that is written to /proc/PID/uid_map or gid_map. */
export function formatIdMap(extents: readonly IdMapping[]): string {
  return extents.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`).join('')
}

/** The content of a uid_map or gid_map file. */
export function parseIdMapFile(text: string): readonly IdMapping[] {
  return [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/gm)].map(([, containerId, hostId, size]) => ({
    containerId: Number(containerId),
    hostId: Number(hostId),
    size: Number(size),
  }))
}

/** Container ids from `firstId` on, in the order of the ranges. */
export function mapRanges(firstId: number, ranges: readonly IdRange[]): readonly IdMapping[] {
  let containerId = firstId
  return ranges.map(({ start, count }) => {
    const extent = { containerId, hostId: start, size: count }
    containerId += count
    return extent
  })
}

/** Joins neighbours that continue each other, in the order of the container's ids. */
export function mergeExtents(extents: readonly IdMapping[]): readonly IdMapping[] {
  const merged: IdMapping[] = []
  for (const extent of extents.toSorted((a, b) => a.containerId - b.containerId)) {
    const last = merged.at(-1)
    const continues =
      last !== undefined &&
      last.containerId + last.size === extent.containerId &&
      last.hostId + last.size === extent.hostId
    if (continues) merged[merged.length - 1] = { ...last, size: last.size + extent.size }
    else merged.push(extent)
  }
  return merged
}

/**
 * Passes a map on that the kernel would take.
 * @throws BryoError IDMAP_FAILED for no extent, a bad number, an overlap inside or outside, too many lines
 */
export function checkIdMap(kind: 'uid' | 'gid', extents: readonly IdMapping[]): readonly IdMapping[] {
  if (extents.length === 0) throw invalidMap(kind, 'it is empty', 'at least one id')
  const sides = [
    { name: 'container', ranges: extents.map((e) => ({ start: e.containerId, count: e.size })) },
    { name: 'host', ranges: extents.map((e) => ({ start: e.hostId, count: e.size })) },
  ]
  for (const { name, ranges } of sides) {
    const bad = ranges.find(({ start, count }) => count < 1 || !isId(start) || !isId(start + count - 1))
    if (bad) throw invalidMap(kind, `${name} ids from ${bad.start}, ${bad.count} of them`, 'valid ids')
    const twice = findOverlap(ranges)
    if (twice !== undefined) throw invalidMap(kind, `${name} id ${twice} is mapped twice`, 'once')
  }
  if (extents.length > MAX_EXTENTS) {
    throw invalidMap(kind, `${extents.length} lines`, `at most ${MAX_EXTENTS}`)
  }
  const bytes = formatIdMap(extents).length
  if (bytes > MAX_MAP_BYTES) throw invalidMap(kind, `${bytes} bytes of text`, `at most ${MAX_MAP_BYTES}`)
  return extents
}

/** The lowest id that two ranges share. */
function findOverlap(ranges: readonly IdRange[]): number | undefined {
  const sorted = ranges.toSorted((a, b) => a.start - b.start)
  return sorted.find((range, index) => {
    const before = sorted[index - 1]
    return before !== undefined && rangesOverlap(before, range)
  })?.start
}

function invalidMap(kind: 'uid' | 'gid', found: string, expected: string): BryoError {
  return new BryoError('IDMAP_FAILED', `cannot use ${kind} map: ${found}, expected ${expected}`)
}

/**
 * Ids `from` to `from + size - 1` of the container side of `table`, as extents whose container ids start at
 * `containerId`; undefined where the table does not have all of them.
 */
export function composeExtent(
  table: readonly IdMapping[],
  wanted: { readonly containerId: number; readonly from: number; readonly size: number },
): readonly IdMapping[] | undefined {
  const end = wanted.from + wanted.size
  const pieces = table.flatMap((row) => {
    const start = Math.max(wanted.from, row.containerId)
    const size = Math.min(end, row.containerId + row.size) - start
    if (size <= 0) return []
    return {
      containerId: wanted.containerId + start - wanted.from,
      hostId: row.hostId + start - row.containerId,
      size,
    }
  })
  return pieces.reduce((sum, piece) => sum + piece.size, 0) === wanted.size ? pieces : undefined
}

export function checkIdMaps(maps: IdMaps): IdMaps {
  return {
    uid: checkIdMap('uid', mergeExtents(maps.uid)),
    gid: checkIdMap('gid', mergeExtents(maps.gid)),
  }
}
