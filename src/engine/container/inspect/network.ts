import type { PortMapping } from '../../../base/port.ts'
import { parseNetworkModes } from '../../../netns/mode.ts'
import { slirpAddresses } from '../../../netns/slirp-options.ts'
import { isLive } from '../../../storage/container/state.ts'
import { publishedPorts } from '../list.ts'
import type { InspectSubject } from './subject.ts'

type Part = Readonly<Record<string, unknown>>

/** `.NetworkSettings` */
export function networkSettingsOf({ config: { request }, state, image }: InspectSubject): Part {
  const up = isLive(state)
  const addresses = up ? addressesOf(request.network) : undefined
  const exposed = [...request.expose, ...(image?.exposedPorts ?? [])]
  const endpoint = {
    EndpointID: '',
    Gateway: addresses?.gateway ?? '',
    IPAddress: addresses?.container ?? '',
    IPPrefixLen: addresses ? addresses.prefixLength : 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    MacAddress: '',
  }
  return {
    ...endpoint,
    Bridge: '',
    SandboxID: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: { ...unpublished(exposed), ...portBindings(publishedPorts(request, state)) },
    SandboxKey: up ? `/proc/${state.process.pid}/ns/net` : '',
    Networks: addresses ? { [addresses.network]: { ...endpoint, NetworkID: addresses.network } } : {},
  }
}

interface Addresses {
  readonly network: string
  readonly container: string
  readonly gateway: string
  readonly prefixLength: number
}

/** The addresses of the networks that give each container the same ones. */
function addressesOf(network: readonly string[]): Addresses | undefined {
  const mode = parseNetworkModes(network)
  if (mode.kind !== 'slirp4netns') return undefined
  const { container, gateway } = slirpAddresses(mode.options)
  const prefixLength = Number(mode.options.cidr.split('/')[1])
  return { network: mode.kind, container, gateway, prefixLength }
}

function unpublished(exposed: readonly string[]): Part {
  return Object.fromEntries(exposed.map((port) => [port.includes('/') ? port : `${port}/tcp`, null]))
}

/** `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`; the port is empty until one is chosen. */
export function portBindings(ports: readonly PortMapping[]): Part {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {}
  for (const { hostIp, hostPort, containerPort, protocol } of ports) {
    const key = `${containerPort}/${protocol}`
    bindings[key] = [
      ...(bindings[key] ?? []),
      { HostIp: hostIp, HostPort: hostPort === 0 ? '' : String(hostPort) },
    ]
  }
  return bindings
}
