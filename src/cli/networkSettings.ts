import { BryoError } from '../base/errors.ts'
import type { FlagValues } from './flags/flag.ts'
import { given } from './given.ts'
import type { NETWORK_FLAGS } from './options/isolation.ts'
import { parseAddHost } from './parse/hostEntry.ts'
import { absoluteHostPath } from './parse/path.ts'
import { parseEach } from './parseEach.ts'

/** What the options of the network ask for. @throws BryoError USAGE, UNSUPPORTED */
export function networkSettings(flags: FlagValues<typeof NETWORK_FLAGS>, cwd: string) {
  return {
    network: flags.network,
    publish: flags.publish,
    publishAll: flags.publishAll,
    expose: flags.expose,
    dns: flags.dns,
    dnsSearch: flags.dnsSearch,
    dnsOption: flags.dnsOption,
    addHost: flags.addHost.flatMap((text) => parseEach('--add-host', text, () => parseAddHost(text))),
    noHosts: flags.noHosts,
    ...given('hostsFile', hostsFile(flags.hostsFile, cwd)),
    ...given('ip', flags.ip),
    ...given('ip6', flags.ip6),
    ...given('macAddress', flags.macAddress),
    ...(flags.networkAlias.length > 0 && { networkAliases: flags.networkAlias }),
  }
}

/** undefined for none, which is what a container has anyway. @throws BryoError UNSUPPORTED */
function hostsFile(text: string | undefined, cwd: string): string | undefined {
  if (text === undefined || text === '' || text === 'none') return undefined
  if (text !== 'image') return absoluteHostPath(text, cwd)
  throw new BryoError('UNSUPPORTED', "cannot add to the image's /etc/hosts, expected a file of this host", {
    hint: 'use --no-hosts to leave it as it is, or none',
  })
}
