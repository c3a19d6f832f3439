import { assertNever } from '../base/assert.ts'
import { BryoError } from '../base/errors.ts'
import type { PortMapping } from '../base/port.ts'
import { type HostEntry, type HostsFileRequest, parseAddHost } from './hosts-file.ts'
import { networkModeName } from './mode.ts'
import { PASTA_DNS } from './pasta.ts'
import { checkPortConflicts } from './publish.ts'
import { isVisibleToSlirp, type ResolvConfRequest } from './resolv-conf.ts'
import { SLIRP_DNS6, type SlirpOptions, slirpAddresses } from './slirp-options.ts'
import { checkStaticAddresses, pastaAddressArguments, type StaticRequest } from './static.ts'

/** What the command line says about a container's network. */
export interface NetworkRequest extends StaticRequest {
  readonly publish: readonly PortMapping[]
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOptions: readonly string[]
  /** `NAME:ADDRESS`. */
  readonly addHost: readonly string[]
  readonly noHosts: boolean
  /** Host path of what /etc/hosts begins with. */
  readonly hostsFile?: string | undefined
}

export interface NetworkFacts {
  /** As findHostAddress() gives it. */
  readonly hostAddress: string | undefined
  /** /etc/resolv.conf with its links followed. */
  readonly resolvConfRealPath: string
}

export type NetworkNamespace =
  | { readonly kind: 'new' }
  | { readonly kind: 'host' }
  /** That container's; its user namespace, which owns it, has to be joined as well. */
  | { readonly kind: 'container'; readonly container: string }
  | { readonly kind: 'path'; readonly path: string }

export type NetworkHelper =
  | { readonly kind: 'none' }
  | { readonly kind: 'slirp4netns'; readonly options: SlirpOptions }
  | { readonly kind: 'pasta'; readonly arguments: readonly string[] }

/** The container's /etc/resolv.conf and /etc/hosts. */
export type NetworkFiles =
  /** Those of the container whose network is joined. */
  | { readonly kind: 'shared' }
  | {
      readonly kind: 'own'
      /** Input of resolvConf(), but for the host's file. */
      readonly resolvConf: Omit<ResolvConfRequest, 'hostResolvConf'>
      /** Input of hostsFile(), but for the names; undefined for `--no-hosts`. */
      readonly hosts: HostsPlan | undefined
    }

export interface HostsPlan extends Pick<HostsFileRequest, 'address' | 'hostAddress'> {
  readonly addHost: readonly HostEntry[]
  /** Host path of what it begins with: the host's own names where its network is the container's too. */
  readonly baseFile: string | undefined
}

export interface NetworkPlan {
  readonly namespace: NetworkNamespace
  readonly helper: NetworkHelper
  /** To be allocated on the host; empty where the network does not publish. */
  readonly ports: readonly PortMapping[]
  /** Nobody else sets lo up: bringLoopbackUp() has to run inside. slirp4netns and pasta do it themselves. */
  readonly bringLoopbackUp: boolean
  readonly files: NetworkFiles
  /** The container's own IPv4 address where it is known before the start. */
  readonly address: string | undefined
  readonly warnings: readonly string[]
}

const HOSTS_FILE = '/etc/hosts'

/** Everything about a container's network as data. @throws BryoError USAGE, UNSUPPORTED for options that do not go together */
export function planNetwork(request: NetworkRequest, facts: NetworkFacts): NetworkPlan {
  checkConflicts(request)
  const { mode } = request
  const pastaAddress = request.ip ?? facts.hostAddress
  switch (mode.kind) {
    case 'slirp4netns':
      return planSlirp(request, facts, mode.options)
    case 'pasta':
      return {
        ...publishing(request),
        helper: { kind: 'pasta', arguments: [...pastaAddressArguments(request), ...mode.arguments] },
        // pasta copies the host's address into the container, so that address is not the host there.
        files: files(request, { reach: 'private', forwarders: [PASTA_DNS], address: pastaAddress }),
        address: pastaAddress,
      }
    case 'none':
      return {
        ...discardingPorts(request),
        namespace: { kind: 'new' },
        bringLoopbackUp: true,
        files: files(request, { reach: 'none', address: '127.0.0.1' }),
      }
    case 'host':
      return {
        ...discardingPorts(request),
        namespace: { kind: 'host' },
        files: files(request, {
          reach: 'host',
          hostAddress: facts.hostAddress ?? '127.0.0.1',
          baseFile: HOSTS_FILE,
        }),
      }
    case 'container':
      return { ...discardingPorts(request), namespace: mode, files: { kind: 'shared' } }
    case 'path':
      return {
        ...discardingPorts(request),
        namespace: mode,
        files: files(request, { reach: 'host', hostAddress: facts.hostAddress }),
      }
    default:
      return assertNever(mode)
  }
}

function planSlirp(request: NetworkRequest, facts: NetworkFacts, options: SlirpOptions): NetworkPlan {
  const { gateway, dns, container } = slirpAddresses(options)
  if (request.ip !== undefined && request.ip !== container) {
    throw new BryoError(
      'USAGE',
      `cannot use --ip ${request.ip} with slirp4netns: the container of ${options.cidr} has ${container}`,
      { hint: 'choose the network: --network slirp4netns:cidr=NETWORK/24, or use --network pasta' },
    )
  }
  const forwards = isVisibleToSlirp(facts.resolvConfRealPath)
  const hostAddress = options.allowHostLoopback ? gateway : facts.hostAddress
  return {
    ...publishing(request),
    helper: { kind: 'slirp4netns', options: { ...options, macAddress: request.macAddress } },
    files: files(request, {
      reach: 'private',
      forwarders: !forwards ? [] : options.enableIpv6 ? [dns, SLIRP_DNS6] : [dns],
      ipv6: options.enableIpv6,
      address: container,
      hostAddress,
    }),
    address: container,
  }
}

function publishing({ publish }: NetworkRequest) {
  checkPortConflicts(publish)
  return { namespace: { kind: 'new' }, ports: publish, bringLoopbackUp: false, warnings: [] } as const
}

function discardingPorts({ publish }: NetworkRequest) {
  const warning = 'Port mappings have been discarded: the host and none network modes publish no ports'
  return {
    helper: { kind: 'none' },
    ports: [],
    bringLoopbackUp: false,
    address: undefined,
    warnings: publish.length > 0 ? [warning] : [],
  } as const
}

interface FilesInput {
  readonly reach: ResolvConfRequest['reach']
  readonly forwarders?: readonly string[]
  readonly ipv6?: boolean
  readonly address?: string | undefined
  readonly hostAddress?: string | undefined
  readonly baseFile?: string
}

function files(request: NetworkRequest, input: FilesInput): NetworkFiles {
  const { reach, forwarders = [], ipv6 = true, address, hostAddress } = input
  const { dns, dnsSearch, dnsOptions } = request
  const addHost = request.addHost.flatMap(parseAddHost)
  const baseFile = request.hostsFile ?? input.baseFile
  return {
    kind: 'own',
    resolvConf: { reach, forwarders, ipv6, dns, dnsSearch, dnsOptions },
    hosts: request.noHosts ? undefined : { addHost, address, hostAddress, baseFile },
  }
}

function checkConflicts(request: NetworkRequest): void {
  const { mode } = request
  const name = networkModeName(mode)
  checkStaticAddresses(request)
  if (request.noHosts && request.addHost.length > 0) {
    throw new BryoError('USAGE', '--no-hosts and --add-host cannot be set together')
  }
  if (mode.kind === 'none' || mode.kind === 'container') checkNoDns(request)
  if (mode.kind === 'container') {
    refuse(request.addHost.length > 0, 'add-host', name)
    refuse(request.noHosts, 'no-hosts', name)
  }
  if (mode.kind === 'container' || mode.kind === 'path') refuse(request.publish.length > 0, 'publish', name)
}

function checkNoDns({ mode, dns, dnsSearch, dnsOptions }: NetworkRequest): void {
  refuse(dns.length > 0, 'dns', mode.kind)
  refuse(dnsSearch.length > 0, 'dns-search', mode.kind)
  refuse(dnsOptions.length > 0, 'dns-option', mode.kind)
}

function refuse(given: boolean, option: string, mode: string): void {
  if (given) throw new BryoError('USAGE', `conflicting options: ${option} and the network mode: ${mode}`)
}
