import type { SparseExtent } from '../../base/tarEntry.ts'
import { nextData, nextHole } from '../../syscall/seek.ts'

/** Smaller holes are stored as zeros: not every reader of archives knows files with holes. */
const LEAST_HOLE = 1024 * 1024
/** What comes after so many is stored as it is. */
const MAX_EXTENTS = 10_000

/**
 * Where the data of a file lies that has large holes; undefined for any other.
 * @param size bytes, as the file's header in the archive will say
 */
export function dataExtents(fd: number, size: number): readonly SparseExtent[] | undefined {
  if (size < LEAST_HOLE) return undefined
  const extents: SparseExtent[] = []
  let start = 0
  let holes = 0
  for (let position = 0; position < size && extents.length < MAX_EXTENTS; ) {
    const hole = Math.min(nextHole(fd, position) ?? size, size)
    const data = hole < size ? Math.min(nextData(fd, hole) ?? size, size) : size
    if (data - hole >= LEAST_HOLE) {
      if (hole > start) extents.push({ offset: start, length: hole - start })
      start = data
      holes += 1
    }
    position = data
  }
  if (holes === 0) return undefined
  if (start < size) extents.push({ offset: start, length: size - start })
  return extents
}
