import type { HostPath } from './brand.ts'
import type { IdMaps } from './idmap.ts'

/** How a container's root is put together: data for the runtime, which mounts it inside the container's own namespace. */
export type RootfsPlan =
  | OverlayPlan
  | FuseOverlayPlan
  | { readonly kind: 'directory'; readonly path: HostPath }

export interface OverlayPlan {
  readonly kind: 'overlay'
  /** Lower directories, the topmost first; relative ones start at `base`, which keeps 127 of them below one page. */
  readonly lower: readonly string[]
  readonly base: HostPath
  readonly upper: HostPath
  readonly work: HostPath
  /**
   * Nothing in it outlives the container (`--rm`), so nothing is synced: without the option of that name, the end of the
   * mount writes out the whole filesystem of the upper directory.
   */
  readonly volatile?: boolean
  /** SELinux label of all of its files. */
  readonly label?: string
}

export interface FuseOverlayPlan {
  readonly kind: 'fuse-overlayfs'
  readonly lower: readonly string[]
  readonly base: HostPath
  readonly upper: HostPath
  readonly work: HostPath
  /** As for overlay. */
  readonly volatile?: boolean
  /** Path of the program. */
  readonly program: HostPath
  /** `uidmapping=` of fuse-overlayfs, where the container's map is not the one that the layers were unpacked with. */
  readonly uidMapping?: string
  readonly gidMapping?: string
  /**
   * Where the container's user namespace lacks ids that own the layers (`auto`, `nomap`): the maps of the namespace that the
   * program must run in instead. It then needs no mapping; the mount stays the container's.
   */
  readonly serverMaps?: IdMaps
}
