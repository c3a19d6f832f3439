import { type IdMapping, type IdMaps, toHostId } from '../../base/idmap.ts'

/** How fuse-overlayfs makes a container with other id maps see the layers' owners. */
export type FuseMapping =
  | { readonly kind: 'none' }
  /** `uidmapping=` and `gidmapping=`, for a server in the container's user namespace. */
  | { readonly kind: 'mapped'; readonly uid: string; readonly gid: string }
  /** The server runs in a user namespace with these maps: the ids on the disk are the image's own there. */
  | { readonly kind: 'server'; readonly maps: IdMaps }

/**
 * Whether the kernel's overlay shows the right owners: each id of the container is on the disk what it is in the
 * default maps, by which layers are unpacked. A container with a single id sees all that is the caller's as its own.
 */
export function seesDiskIds(maps: IdMaps, defaultMaps: IdMaps): boolean {
  const kinds = ['uid', 'gid'] as const
  return (
    kinds.every((kind) => isPartOf(maps[kind], defaultMaps[kind])) ||
    kinds.every((kind) => isSingleRoot(maps[kind], defaultMaps[kind]))
  )
}

/**
 * @param maps the container's
 * @param defaultMaps those that the layers were unpacked with
 * @param shared some layers have the image's owners in attributes, which `uidmapping=` would map as well
 */
export function planFuseMapping(maps: IdMaps, defaultMaps: IdMaps, shared = false): FuseMapping {
  if (seesDiskIds(maps, defaultMaps)) return { kind: 'none' }
  if (shared) return { kind: 'server', maps: defaultMaps }
  const uid = mappingInside(maps.uid, defaultMaps.uid)
  const gid = mappingInside(maps.gid, defaultMaps.gid)
  return uid === undefined || gid === undefined
    ? { kind: 'server', maps: defaultMaps }
    : { kind: 'mapped', uid, gid }
}

/**
 * `DISK:SHOWN:LENGTH` for each run of ids: the first is how the server, in the container's namespace, finds the owner on the
 * disk; the second is what the container is to see, the id in the image.
 * @returns undefined where the container's namespace lacks an id that may own a file
 * @see fuse-overlayfs(1) uidmapping
 */
function mappingInside(container: readonly IdMapping[], disk: readonly IdMapping[]): string | undefined {
  const runs = disk.flatMap((extent) => container.flatMap((inside) => intersect(extent, inside) ?? []))
  const total = (sizes: readonly { readonly size: number }[]) =>
    sizes.reduce((sum, { size }) => sum + size, 0)
  if (total(runs) < total(disk)) return undefined
  return runs.map(({ seen, shown, size }) => `${seen}:${shown}:${size}`).join(':')
}

function intersect(disk: IdMapping, inside: IdMapping) {
  const first = Math.max(disk.hostId, inside.hostId)
  const size = Math.min(disk.hostId + disk.size, inside.hostId + inside.size) - first
  if (size <= 0) return undefined
  return {
    seen: inside.containerId + (first - inside.hostId),
    shown: disk.containerId + (first - disk.hostId),
    size,
  }
}

function isPartOf(part: readonly IdMapping[], whole: readonly IdMapping[]): boolean {
  return part.every((extent) =>
    cuts(extent, whole).every((id) => {
      const host = extent.hostId + (id - extent.containerId)
      return toHostId(whole, id) === host
    }),
  )
}

/** Ids of an extent at which the other map may change: where it agrees at all of them, it agrees in between. */
function cuts({ containerId, size }: IdMapping, other: readonly IdMapping[]): readonly number[] {
  const last = containerId + size - 1
  const edges = other.flatMap((m) => [
    m.containerId - 1,
    m.containerId,
    m.containerId + m.size - 1,
    m.containerId + m.size,
  ])
  return [containerId, last, ...edges.filter((id) => id > containerId && id < last)]
}

function isSingleRoot(map: readonly IdMapping[], whole: readonly IdMapping[]): boolean {
  const [only, ...more] = map
  return only !== undefined && more.length === 0 && only.size === 1 && only.hostId === toHostId(whole, 0)
}
