import { BryoError } from '../base/errors.ts'
import type { IdMapping, IdMaps } from '../base/idmap.ts'
import type { IdMapRequest } from './map-request.ts'
import type { UsernsMode } from './mode.ts'
import { resolveRequest } from './plan-explicit.ts'
import { type IdRange, subtractRanges } from './ranges.ts'

/** Ids of an automatic namespace whose size nobody asks for. */
const DEFAULT_SIZE = 1024

interface AutoResources {
  readonly subids: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] }
  readonly inUse?: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] }
}

/**
 * The first subordinate ids that are consecutive, enough and in nobody's use. The caller's own id is mapped only
 * where an explicit mapping asks for it.
 */
export function planAuto(
  mode: Extract<UsernsMode, { readonly kind: 'auto' }>,
  intermediate: IdMaps,
  { subids, inUse = { uid: [], gid: [] } }: AutoResources,
): IdMaps {
  const size = mode.size ?? DEFAULT_SIZE
  const plan = (kind: 'uid' | 'gid', requests: readonly IdMapRequest[]) => {
    const forced = requests.flatMap((request) => resolveRequest(kind, request, intermediate[kind]))
    return planKind({ kind, size, forced, ranges: subids[kind], taken: inUse[kind] })
  }
  return { uid: plan('uid', mode.uidMappings), gid: plan('gid', mode.gidMappings) }
}

interface AutoKind {
  readonly kind: 'uid' | 'gid'
  readonly size: number
  readonly forced: readonly IdMapping[]
  readonly ranges: readonly IdRange[]
  readonly taken: readonly IdRange[]
}

function planKind({ kind, size, forced, ranges, taken }: AutoKind): readonly IdMapping[] {
  const forcedInside = forced.map((extent) => ({ start: extent.containerId, count: extent.size }))
  const forcedOutside = forced.map((extent) => ({ start: extent.hostId, count: extent.size }))
  const inside = subtractRanges({ start: 0, count: size }, forcedInside)
  const needed = inside.reduce((sum, range) => sum + range.count, 0)
  const free = ranges.flatMap((range) => subtractRanges(range, [...taken, ...forcedOutside]))
  const place = free.find((range) => range.count >= needed)
  if (!place) {
    const largest = free.reduce((max, range) => Math.max(max, range.count), 0)
    throw new BryoError(
      'SUBIDS_MISSING',
      `cannot find ${kind}s for user namespace mode "auto": ${largest} free in a row, expected ${needed}`,
      { hint: 'remove containers that were made with --userns=auto, or ask for fewer ids with auto:size=N' },
    )
  }
  let hostId = place.start
  const extents = inside.map(({ start, count }) => {
    const extent = { containerId: start, hostId, size: count }
    hostId += count
    return extent
  })
  return [...forced, ...extents]
}
