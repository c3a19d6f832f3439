import { closeSync, readFileSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import type { PortMapping } from '../base/port.ts'
import { bindInet, inetSocket, setReuseAddress, socketName } from '../syscall/socket.ts'
import { describeHolder, findPortHolder } from './port-holder.ts'
import { checkPortConflicts, formatMapping, hostAddressBytes } from './publish.ts'

const MIN_UNPRIVILEGED_PORT = '/proc/sys/net/ipv4/ip_unprivileged_port_start'

/**
 * Chooses a free host port for every mapping without one, and tries each of the others. The ports are free again afterwards: who
 * carries them binds them for good, and may still lose a race.
 * @throws BryoError USAGE (conflicts among the mappings), PORT_IN_USE (naming the holder), PERMISSION, NETWORK
 */
export function allocateHostPorts(mappings: readonly PortMapping[]): PortMapping[] {
  checkPortConflicts(mappings)
  const sockets: number[] = []
  const allocated = new Map<PortMapping, PortMapping>()
  try {
    // Fixed ports first, so that no free one is chosen in their place.
    for (const mapping of mappings.toSorted((a, b) => Number(a.hostPort === 0) - Number(b.hostPort === 0))) {
      const fd = bindMapping(mapping)
      sockets.push(fd)
      allocated.set(mapping, { ...mapping, hostPort: socketName(fd).port })
    }
  } finally {
    for (const fd of sockets) closeSync(fd)
  }
  return mappings.map((mapping) => allocated.get(mapping) ?? mapping)
}

export interface BindOptions {
  readonly nonBlocking?: boolean
  /** A UDP port may be bound although slirp4netns has it for all addresses: the more specific socket gets the datagrams. */
  readonly share?: boolean
}

/** A socket bound to the mapping's host address. @throws as {@link allocateHostPorts} */
export function bindMapping(
  mapping: PortMapping,
  { nonBlocking = false, share = false }: BindOptions = {},
): number {
  const address = hostAddressBytes(mapping.hostIp)
  try {
    const fd = inetSocket({ kind: mapping.protocol, family: address.length === 4 ? 4 : 6, nonBlocking })
    try {
      // A port in TIME_WAIT is free; for UDP the option would hide that it is taken.
      if (mapping.protocol === 'tcp' || share) setReuseAddress(fd)
      bindInet(fd, { address, port: mapping.hostPort })
      return fd
    } catch (error) {
      closeSync(fd)
      throw error
    }
  } catch (error) {
    throw explainBindError(mapping, error)
  }
}

/** Turns a failed bind into an error for the user; others are passed on. */
function explainBindError(mapping: PortMapping, error: unknown): unknown {
  const what = `cannot publish port "${formatMapping(mapping)}"`
  if (isErrno(error, 'EADDRINUSE')) return portInUse(mapping, error)
  if (isErrno(error, 'EACCES')) return privilegedPort(mapping, error)
  if (isErrno(error, 'EADDRNOTAVAIL')) {
    return new BryoError('NETWORK', `${what}: ${mapping.hostIp} is no address of this host`, { cause: error })
  }
  if (isErrno(error, 'EAFNOSUPPORT')) {
    return new BryoError('NETWORK', `${what}: this host has no IPv6`, { cause: error })
  }
  return error
}

export function portInUse(mapping: PortMapping, cause?: unknown): BryoError {
  const holder = findPortHolder(mapping)
  const by = holder ? describeHolder(holder, process.getuid?.() ?? -1) : 'another process'
  return new BryoError(
    'PORT_IN_USE',
    `cannot publish port "${formatMapping(mapping)}": port ${mapping.hostPort}/${mapping.protocol} is in use by ${by}`,
    {
      hint: `choose another host port, or leave it out for any free one: -p ${mapping.containerPort}`,
      cause,
    },
  )
}

function privilegedPort(mapping: PortMapping, cause: unknown): BryoError {
  const start = readFileSync(MIN_UNPRIVILEGED_PORT, 'utf8').trim()
  return new BryoError(
    'PERMISSION',
    `cannot publish port "${formatMapping(mapping)}": port ${mapping.hostPort} is privileged, expected ${start} or higher`,
    {
      hint: `choose a higher port, or as root: sysctl net.ipv4.ip_unprivileged_port_start=${mapping.hostPort}`,
      cause,
    },
  )
}
