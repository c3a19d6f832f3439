export interface Sysctl {
  /** With dots, as in sysctl(8). */
  readonly name: string
  readonly value: string
}

/**
 * The network settings that every new network namespace starts with: ping without capabilities for every mapped group, and every
 * port open to every user, because the host's ports are not at stake inside.
 * @param gidMapSize how many gids from 0 on are mapped; the kernel refuses a range with an unmapped end
 */
export function defaultNetworkSysctls(gidMapSize: number): Sysctl[] {
  const ports = { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }
  if (gidMapSize < 1) return [ports]
  return [{ name: 'net.ipv4.ping_group_range', value: `0 ${gidMapSize - 1}` }, ports]
}
