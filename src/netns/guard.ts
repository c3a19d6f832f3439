import { BryoError, isErrno } from '../base/errors.ts'
import { addPolicyRules, bringLoopbackUp, type PolicyRule } from '../syscall/net.ts'
import { parseIp } from './ip.ts'

/** What has to be done inside a new network namespace, by its root, before the workload runs. */
export interface InsideSetup {
  /** False where a helper does it. */
  readonly loopback: boolean
  /** DNS forwarders that may be reached at port 53 only. */
  readonly dnsOnly: readonly string[]
}

const FIRST_PRIORITY = 100
const DNS_PORT = 53

/**
 * slirp4netns passes every port of its DNS address on to the host's resolver. Where that is on the host's loopback (systemd-resolved,
 * dnsmasq) all that listens there would be in reach: so the kernel's routing policy lets port 53 through and nothing else.
 * A container gets past this only with NET_ADMIN or NET_RAW added.
 * @see slirp4netns(1) FILTERING CONNECTIONS
 */
export function dnsOnlyRules(addresses: readonly string[]): PolicyRule[] {
  return addresses.flatMap((text, index): PolicyRule[] => {
    const destination = parseIp(text)
    if (!destination) throw new BryoError('INTERNAL', `"${text}" is no address`)
    const priority = FIRST_PRIORITY + index * 3
    return [
      { priority, destination, action: 'main', only: { protocol: 'udp', port: DNS_PORT } },
      { priority: priority + 1, destination, action: 'main', only: { protocol: 'tcp', port: DNS_PORT } },
      { priority: priority + 2, destination, action: 'prohibit' },
    ]
  })
}

/** Runs in the forked process that is in the namespaces; synchronous. @throws BryoError UNSUPPORTED, SyscallError */
export function setUpInside(setup: InsideSetup): void {
  if (setup.loopback) bringLoopbackUp()
  try {
    addPolicyRules(dnsOnlyRules(setup.dnsOnly))
  } catch (error) {
    if (!isErrno(error, 'EOPNOTSUPP', 'EAFNOSUPPORT')) throw error
    throw new BryoError(
      'UNSUPPORTED',
      'cannot protect the host from its DNS forwarder: no policy routing in this kernel',
      {
        hint: "accept that the container reaches the host's loopback: --network slirp4netns:allow_host_loopback=true",
        cause: error,
      },
    )
  }
}
