import { BryoError } from '../base/errors.ts'
import { parseIp } from './ip.ts'
import { type NetworkMode, networkModeName } from './mode.ts'

/** Addresses and names that are asked for. */
export interface StaticRequest {
  readonly mode: NetworkMode
  readonly ip?: string | undefined
  readonly ip6?: string | undefined
  readonly macAddress?: string | undefined
  readonly networkAliases: readonly string[]
}

/** Refuses what the network cannot give. @throws BryoError USAGE */
export function checkStaticAddresses({ mode, ip, ip6, macAddress, networkAliases }: StaticRequest): void {
  const pasta = mode.kind === 'pasta'
  const either = pasta || mode.kind === 'slirp4netns'
  const options: readonly (readonly [string, boolean, boolean, string])[] = [
    ['ip', ip !== undefined, either, 'slirp4netns or pasta'],
    ['ip6', ip6 !== undefined, pasta, 'pasta'],
    ['mac-address', macAddress !== undefined, either, 'slirp4netns or pasta'],
    ['network-alias', networkAliases.length > 0, false, 'bridge networks'],
  ]
  const wrong = options.find(([, given, possible]) => given && !possible)
  if (wrong) {
    const [option, , , networks] = wrong
    throw new BryoError(
      'USAGE',
      `--${option} can only be used with ${networks}, not with ${networkModeName(mode)}`,
    )
  }
  checkAddress('ip', ip, 4)
  checkAddress('ip6', ip6, 16)
  if (macAddress !== undefined && !UNICAST_MAC.test(macAddress)) {
    throw new BryoError(
      'USAGE',
      `invalid --mac-address "${macAddress}", expected one of a single interface, such as 92:d0:c6:0a:29:33`,
    )
  }
}

const UNICAST_MAC = /^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/i

function checkAddress(option: string, text: string | undefined, bytes: number): void {
  if (text === undefined || parseIp(text)?.length === bytes) return
  throw new BryoError('USAGE', `invalid --${option} "${text}", expected an IPv${bytes === 4 ? 4 : 6} address`)
}

/** Arguments for pasta. @see pasta(1) */
export function pastaAddressArguments({ ip, ip6, macAddress }: StaticRequest): readonly string[] {
  return [
    ...(ip === undefined ? [] : ['--address', ip]),
    ...(ip6 === undefined ? [] : ['--address', ip6]),
    ...(macAddress === undefined ? [] : ['--ns-mac-addr', macAddress]),
  ]
}
