/** One extent of an id map. @see user_namespaces(7) */
export interface IdMapping {
  readonly containerId: number
  readonly hostId: number
  readonly size: number
}

export interface IdMaps {
  readonly uid: readonly IdMapping[]
  readonly gid: readonly IdMapping[]
}

/** The host id of an id inside; undefined where it is not mapped. */
export function toHostId(map: readonly IdMapping[], containerId: number): number | undefined {
  const extent = map.find((m) => containerId >= m.containerId && containerId < m.containerId + m.size)
  return extent && extent.hostId + (containerId - extent.containerId)
}

/** The id inside of a host id; undefined where it is not mapped. */
export function toContainerId(map: readonly IdMapping[], hostId: number): number | undefined {
  const extent = map.find((m) => hostId >= m.hostId && hostId < m.hostId + m.size)
  return extent && extent.containerId + (hostId - extent.hostId)
}

/** Who sets a container up: its root, or the first id where the maps have no 0. */
export function rootIds({ uid, gid }: IdMaps): { readonly uid: number; readonly gid: number } {
  const first = (map: readonly IdMapping[]) =>
    toHostId(map, 0) === undefined ? (map[0]?.containerId ?? 0) : 0
  return { uid: first(uid), gid: first(gid) }
}
