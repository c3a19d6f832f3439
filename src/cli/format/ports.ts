import type { PortMapping } from '../../base/port.ts'

/** A run of ports that are published the same way. */
export interface PortRange extends PortMapping {
  /** How many, from the first of both on. */
  readonly length: number
}

/** Ports that follow each other, outside and inside, as one. */
export function portRanges(ports: readonly PortMapping[]): readonly PortRange[] {
  const sorted = ports.toSorted(
    (a, b) =>
      compare(a.protocol, b.protocol) ||
      compare(a.hostIp, b.hostIp) ||
      a.containerPort - b.containerPort ||
      a.hostPort - b.hostPort,
  )
  const ranges: PortRange[] = []
  for (const port of sorted) {
    const last = ranges.at(-1)
    if (last && continues(last, port)) ranges[ranges.length - 1] = { ...last, length: last.length + 1 }
    else ranges.push({ ...port, length: 1 })
  }
  return ranges
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function continues(range: PortRange, port: PortMapping): boolean {
  return (
    range.protocol === port.protocol &&
    range.hostIp === port.hostIp &&
    range.hostPort !== 0 &&
    range.hostPort + range.length === port.hostPort &&
    range.containerPort + range.length === port.containerPort
  )
}

/** `0.0.0.0:8080->80/tcp, 0.0.0.0:9000-9002->9000-9002/udp`. */
export function portsText(ports: readonly PortMapping[]): string {
  return portRanges(ports)
    .map(({ hostIp, hostPort, containerPort, protocol, length }) => {
      const numbers = (first: number) => (length === 1 ? String(first) : `${first}-${first + length - 1}`)
      return `${hostAddress(hostIp)}:${numbers(hostPort)}->${numbers(containerPort)}/${protocol}`
    })
    .join(', ')
}

/** As it stands before a port: IPv6 in brackets. */
export function hostAddress(hostIp: string): string {
  if (hostIp === '') return '0.0.0.0'
  return hostIp.includes(':') ? `[${hostIp}]` : hostIp
}
