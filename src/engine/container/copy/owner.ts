import { type IdMaps, toContainerId } from '../../../base/idmap.ts'
import type { PlaceOptions } from '../../../storage/tree/place.ts'

/** Who owns what is copied. */
export type CopyOwner =
  /** Whoever copies. */
  | { readonly kind: 'caller' }
  /** The container's user. */
  | { readonly kind: 'user'; readonly uid: number; readonly gid: number }
  /** The same ids as in the archive. */
  | { readonly kind: 'archive' }
  /** The ids of the archive are the host's: what they are inside. */
  | { readonly kind: 'host'; readonly maps: IdMaps }

/** The kernel's own id for owners that have none in a namespace. @see user_namespaces(7) */
const NOBODY = 65534

/** Pure. */
export function ownerOf(owner: CopyOwner): PlaceOptions['ownerOf'] {
  switch (owner.kind) {
    case 'caller':
      return undefined
    case 'user':
      return () => ({ uid: owner.uid, gid: owner.gid })
    case 'archive':
      return ({ uid, gid }) => ({ uid, gid })
    case 'host': {
      const { maps } = owner
      const inside = (kind: 'uid' | 'gid', id: number) =>
        toContainerId(maps[kind], id) ??
        (maps[kind].some((m) => NOBODY >= m.containerId && NOBODY < m.containerId + m.size) ? NOBODY : 0)
      return ({ uid, gid }) => ({ uid: inside('uid', uid), gid: inside('gid', gid) })
    }
  }
}
