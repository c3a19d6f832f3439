import { BryoError } from '../base/errors.ts'
import { addressInNetwork, formatIp, parseIp, parseIpv4Network } from './ip.ts'

/** Who carries published ports: slirp4netns keeps the client's address, a forwarder in the style of rootlesskit does not. */
export type PortHandler = 'slirp4netns' | 'rootlesskit'

export interface SlirpOptions {
  readonly allowHostLoopback: boolean
  readonly cidr: string
  readonly mtu: number
  /** An address or an interface. */
  readonly outboundAddr?: string
  readonly outboundAddr6?: string
  readonly portHandler: PortHandler
  readonly enableIpv6: boolean
  /** Hardware address of the container's end; one by chance where absent. */
  readonly macAddress?: string | undefined
}

export const DEFAULT_SLIRP_OPTIONS: SlirpOptions = {
  allowHostLoopback: false,
  cidr: '10.0.2.0/24',
  mtu: 65520,
  portHandler: 'slirp4netns',
  enableIpv6: true,
}

const MAX_MTU = 65521
const INTERFACE = /^[^\s/:,]{1,15}$/

/** The words after `slirp4netns:`, as in Podman. @throws BryoError USAGE */
export function parseSlirpOptions(words: readonly string[]): SlirpOptions {
  return words.reduce(withOption, DEFAULT_SLIRP_OPTIONS)
}

function withOption(options: SlirpOptions, word: string): SlirpOptions {
  const at = word.indexOf('=')
  const [name, value] = at === -1 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
  if (at !== -1) {
    switch (name) {
      case 'allow_host_loopback':
        return { ...options, allowHostLoopback: bool(name, value) }
      case 'enable_ipv6':
        return { ...options, enableIpv6: bool(name, value) }
      case 'cidr':
        return { ...options, cidr: cidr(value) }
      case 'mtu':
        return { ...options, mtu: mtu(value) }
      case 'outbound_addr':
        return { ...options, outboundAddr: outbound(name, value, 4) }
      case 'outbound_addr6':
        return { ...options, outboundAddr6: outbound(name, value, 16) }
      case 'port_handler':
        return { ...options, portHandler: portHandler(value) }
    }
  }
  throw new BryoError('USAGE', `unknown option for slirp4netns: "${word}"`, {
    hint: 'known are allow_host_loopback=, cidr=, enable_ipv6=, mtu=, outbound_addr=, outbound_addr6= and port_handler=',
  })
}

function bool(name: string, value: string): boolean {
  if (value === 'true') return true
  if (value === 'false') return false
  throw new BryoError('USAGE', `invalid value of ${name} for slirp4netns: "${value}", expected true or false`)
}

function cidr(value: string): string {
  const network = parseIpv4Network(value)
  // .100 is the container's address and .15 to .30 are given out by DHCP: slirp4netns accepts /25 at the smallest.
  if (!network || network.prefixLength < 1 || network.prefixLength > 25) {
    throw new BryoError('USAGE', `invalid cidr "${value}", expected an IPv4 network such as 10.0.2.0/24`)
  }
  return `${formatIp(network.address)}/${network.prefixLength}`
}

function mtu(value: string): number {
  const number = /^[0-9]{1,5}$/.test(value) ? Number(value) : 0
  if (number < 68 || number > MAX_MTU) {
    throw new BryoError('USAGE', `invalid mtu "${value}", expected a number from 68 to ${MAX_MTU}`)
  }
  return number
}

function outbound(name: string, value: string, size: 4 | 16): string {
  const address = parseIp(value)
  const looksLikeAddress = /^[0-9.]+$/.test(value) || value.includes(':')
  if (address ? address.length === size : !looksLikeAddress && INTERFACE.test(value)) return value
  const family = size === 4 ? 'IPv4' : 'IPv6'
  throw new BryoError('USAGE', `invalid ${name} "${value}", expected an ${family} address or an interface`)
}

function portHandler(value: string): PortHandler {
  if (value === 'slirp4netns' || value === 'rootlesskit') return value
  throw new BryoError(
    'USAGE',
    `unknown port_handler for slirp4netns: "${value}", expected slirp4netns or rootlesskit`,
  )
}

/** What slirp4netns gives which address of its network. */
export interface SlirpAddresses {
  /** The host as the container sees it. */
  readonly gateway: string
  readonly dns: string
  readonly container: string
}

/** @see slirp4netns(1) DESCRIPTION */
export function slirpAddresses(options: Pick<SlirpOptions, 'cidr'>): SlirpAddresses {
  const network = parseIpv4Network(options.cidr)
  if (!network) throw new BryoError('USAGE', `invalid cidr "${options.cidr}"`)
  const at = (offset: number) => formatIp(addressInNetwork(network, offset))
  return { gateway: at(2), dns: at(3), container: at(100) }
}

/** The DNS forwarder of slirp4netns in its fixed IPv6 network. */
export const SLIRP_DNS6 = 'fd00::3'
