import { type ChangeKind, type Comparison, compareTrees } from '../../../storage/tree/changes.ts'

export interface PathChange {
  readonly kind: ChangeKind
  /** Absolute. */
  readonly path: string
}

export function listChanges(comparison: Comparison): readonly PathChange[] {
  return [...compareTrees(comparison)].map(({ kind, path }) => ({ kind, path: `/${path.toString()}` }))
}
