/** Consecutive ids: `start` to `start + count - 1`. */
export interface IdRange {
  readonly start: number
  readonly count: number
}

/** The highest id; the one above it means "no id". @see setresuid(2) */
export const LAST_ID = 4294967294

export function isId(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= LAST_ID
}

/** True for at least one id, all of them valid. */
export function isRange({ start, count }: IdRange): boolean {
  return isId(start) && Number.isInteger(count) && count > 0 && start + count - 1 <= LAST_ID
}

export function totalIds(ranges: readonly IdRange[]): number {
  return ranges.reduce((sum, range) => sum + range.count, 0)
}

export function rangesOverlap(a: IdRange, b: IdRange): boolean {
  return a.start < b.start + b.count && b.start < a.start + a.count
}

/** What is left of `range` without the ids of `taken`; in ascending order. */
export function subtractRanges(range: IdRange, taken: readonly IdRange[]): readonly IdRange[] {
  let left: readonly IdRange[] = [range]
  for (const hole of taken) left = left.flatMap((piece) => subtractRange(piece, hole))
  return left
}

function subtractRange(range: IdRange, hole: IdRange): readonly IdRange[] {
  if (!rangesOverlap(range, hole)) return [range]
  const end = range.start + range.count
  const holeEnd = hole.start + hole.count
  return [
    { start: range.start, count: hole.start - range.start },
    { start: holeEnd, count: end - holeEnd },
  ].filter(({ count }) => count > 0)
}

/** The same ids in the same order, each one once: an id may be granted by name and by number. */
export function withoutRepeats(ranges: readonly IdRange[]): readonly IdRange[] {
  const result: IdRange[] = []
  for (const range of ranges) result.push(...subtractRanges(range, result))
  return result
}
