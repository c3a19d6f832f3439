import { BryoError } from '../base/errors.ts'
import type { PortMapping, PortProtocol } from '../base/port.ts'
import { formatIp, isWildcard, parseIp } from './ip.ts'

const FORM = '[[hostIP:][hostPort]:]containerPort[/protocol]'

interface PortRange {
  readonly first: number
  readonly length: number
}

/**
 * One value of `--publish`, a range as one mapping per port; host port 0 stands for any free one.
 * @throws BryoError USAGE, UNSUPPORTED
 */
export function parsePublish(text: string): PortMapping[] {
  const [spec = '', protocolText, ...more] = text.split('/')
  if (more.length > 0) {
    throw new BryoError('USAGE', `invalid port format "${text}": protocol can only be specified once`)
  }
  const protocol = protocolText === undefined ? 'tcp' : parseProtocol(protocolText)
  const { hostIp, hostPort, containerPort } = splitParts(spec, text)
  if (containerPort === '') {
    throw new BryoError('USAGE', `must provide a non-empty container port to publish, got "${text}"`)
  }
  const inside = parseRange(containerPort, 'container port')
  const outside = parseHostRange(hostPort, inside.length)
  return Array.from({ length: inside.length }, (_, index) => ({
    hostIp,
    hostPort: outside === 0 ? 0 : outside + index,
    containerPort: inside.first + index,
    protocol,
  }))
}

function parseProtocol(text: string): PortProtocol {
  const protocol = text.toLowerCase()
  if (protocol === 'tcp' || protocol === 'udp') return protocol
  if (protocol === '') throw new BryoError('USAGE', 'must provide a non-empty protocol to publish')
  if (protocol === 'sctp') {
    throw new BryoError('UNSUPPORTED', 'cannot publish a port of protocol "sctp", expected tcp or udp')
  }
  throw new BryoError('USAGE', `unrecognized protocol "${text}" in port mapping, expected tcp or udp`)
}

interface SpecParts {
  readonly hostIp: string
  readonly hostPort: string
  readonly containerPort: string
}

function splitParts(spec: string, text: string): SpecParts {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(spec)
  const parts = (bracketed ? (bracketed[2] ?? '') : spec).split(':')
  if (parts.length > (bracketed ? 2 : 3) || (bracketed ? parts.length < 2 : spec.startsWith('['))) {
    throw new BryoError('USAGE', `invalid port format "${text}", expected ${FORM}`, {
      ...(spec.split(':').length > 3 && { hint: 'write an IPv6 address in brackets: [::1]:8080:80' }),
    })
  }
  const containerPort = parts.at(-1) ?? ''
  const hostPort = parts.at(-2) ?? ''
  const address = bracketed ? (bracketed[1] ?? '') : parts.at(-3)
  return { hostIp: address === undefined ? '' : parseHostIp(address), hostPort, containerPort }
}

function parseHostIp(text: string): string {
  if (text === '') throw new BryoError('USAGE', 'must provide a non-empty container host IP to publish')
  const address = parseIp(text)
  if (!address) throw new BryoError('USAGE', `cannot parse "${text}" as an IP address`)
  return address.length === 4 && isWildcard(address) ? '' : formatIp(address)
}

function parseRange(text: string, what: string): PortRange {
  const [firstText = '', lastText, ...more] = text.split('-')
  if (more.length > 0) {
    throw new BryoError('USAGE', `cannot parse ${what} "${text}", expected at most one "-"`)
  }
  const first = parsePort(firstText, what)
  if (lastText === undefined) return { first, length: 1 }
  const last = parsePort(lastText, what)
  if (last <= first) {
    throw new BryoError(
      'USAGE',
      `cannot parse ${what} "${text}": the end port of a range must be higher than the start port`,
    )
  }
  return { first, length: last - first + 1 }
}

function parsePort(text: string, what: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) {
    throw new BryoError('USAGE', `cannot parse ${what}: invalid port number "${text}"`)
  }
  const port = Number(text)
  if (port >= 1 && port <= 65535) return port
  throw new BryoError(
    'USAGE',
    `cannot parse ${what}: port numbers must be between 1 and 65535 (inclusive), got ${port}`,
  )
}

/** The first host port, or 0 for free ones. */
function parseHostRange(text: string, length: number): number {
  if (text === '' || /^0+$/.test(text)) return 0
  const range = parseRange(text, 'host port')
  if (range.length === length) return range.first
  throw new BryoError(
    'USAGE',
    `host and container port ranges have different lengths: ${range.length} vs ${length}`,
  )
}

/** `--publish-all`: every exposed port (`80/tcp`, `8000-8010/udp`) that no mapping serves yet, at a free host port. */
export function publishExposedPorts(
  exposedPorts: readonly string[],
  mappings: readonly PortMapping[],
): PortMapping[] {
  const served = new Set(mappings.map((m) => `${m.containerPort}/${m.protocol}`))
  const wanted = exposedPorts.flatMap((text) => parsePublish(text))
  return wanted.filter((mapping) => {
    const key = `${mapping.containerPort}/${mapping.protocol}`
    if (served.has(key)) return false
    served.add(key)
    return true
  })
}

/** @throws BryoError USAGE where two mappings want the same port of the same address */
export function checkPortConflicts(mappings: readonly PortMapping[]): void {
  const taken = new Map<string, PortMapping[]>()
  for (const mapping of mappings) {
    if (mapping.hostPort === 0) continue
    const key = `${mapping.hostPort}/${mapping.protocol}`
    const others = taken.get(key) ?? []
    const other = others.find((o) => addressesOverlap(o.hostIp, mapping.hostIp))
    if (other) {
      throw new BryoError(
        'USAGE',
        `cannot publish port "${formatMapping(mapping)}": conflicts with ${formatMapping(other)} of the same command`,
      )
    }
    taken.set(key, [...others, mapping])
  }
}

function addressesOverlap(a: string, b: string): boolean {
  const [left, right] = [hostAddressBytes(a), hostAddressBytes(b)]
  if (left.length !== right.length) return false
  return isWildcard(left) || isWildcard(right) || left.every((byte, index) => byte === right[index])
}

/** The address to bind: 0.0.0.0 for an empty one. */
export function hostAddressBytes(hostIp: string): Uint8Array {
  const bytes = parseIp(hostIp === '' ? '0.0.0.0' : hostIp)
  if (!bytes) throw new BryoError('USAGE', `cannot parse "${hostIp}" as an IP address`)
  return bytes
}

/** `127.0.0.1:8080->80/tcp`, as `ps` and `port` show it. */
export function formatMapping({ hostIp, hostPort, containerPort, protocol }: PortMapping): string {
  const address = hostIp === '' ? '0.0.0.0' : hostIp.includes(':') ? `[${hostIp}]` : hostIp
  return `${address}:${hostPort}->${containerPort}/${protocol}`
}
