import { BryoError } from '../base/errors.ts'
import type { IdMapping, IdMaps } from '../base/idmap.ts'
import { composeExtent } from './extents.ts'

/**
 * The caller at `user`, the subordinate ids around it: those below in order from container id 0, the next ones
 * above.
 * @param intermediate 0 is the caller
 * @param size the most ids that are mapped; all by default
 */
export function planKeepId(
  user: { readonly uid: number; readonly gid: number },
  intermediate: IdMaps,
  size: number = Number.MAX_SAFE_INTEGER,
): IdMaps {
  return {
    uid: keepOne(user.uid, intermediate.uid, size),
    gid: keepOne(user.gid, intermediate.gid, size),
  }
}

function keepOne(id: number, table: readonly IdMapping[], size: number): readonly IdMapping[] {
  const others =
    Math.min(
      table.reduce((sum, row) => sum + row.size, 0),
      size,
    ) - 1
  const below = Math.min(id, others)
  const above = Math.max(others - id, 0)
  const wanted = [
    { containerId: 0, from: 1, size: below },
    { containerId: id, from: 0, size: 1 },
    { containerId: id + 1, from: id + 1, size: above },
  ]
  return wanted.flatMap((part) => {
    const extents = composeExtent(table, part)
    if (extents) return extents
    throw new BryoError('IDMAP_FAILED', `cannot keep id ${id}: ${others} subordinate ids, expected more`)
  })
}
