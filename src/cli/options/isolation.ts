import type { NamespaceMode } from '../../engine/container/request.ts'
import type { Completion, Flag } from '../flags/flag.ts'
import { commaList, list, many, text, toggle, value } from '../flags/kinds.ts'
import { parseKeyValue } from '../parse/keyValue.ts'
import { parseNamespaceMode } from '../parse/namespaceMode.ts'

const USER_NAMESPACES = modes(['auto', 'host', 'keep-id', 'nomap'])
const PID_WORDS = ['private', 'host'] as const
const NETWORKS = modes(['slirp4netns', 'pasta', 'none', 'host', 'private'])

/** Words, and what can be joined. */
function modes(words: readonly string[]): Completion {
  return { kind: 'modes', words }
}

function namespaceMode(help: string): Flag<NamespaceMode> {
  const words = ['private', 'host'] as const
  const flag = value({
    help,
    completion: modes(words),
    parse: (given): NamespaceMode => parseNamespaceMode(given, words),
  })
  return {
    ...flag,
    initial: 'private',
    defaultText: '"private"',
    accept: (given) => flag.accept(given, undefined) ?? 'private',
  }
}

/** Namespaces and what guards them. */
export const ISOLATION_FLAGS = {
  'cap-add': commaList({ help: 'Add a capability' }),
  'cap-drop': commaList({ help: 'Take a capability away, or ALL' }),
  cgroupns: namespaceMode('Cgroup namespace to use'),
  domainname: text({ help: 'NIS domain name of the container' }),
  gidmap: commaList({ help: 'Map group ids: CONTAINER_ID:FROM_ID:SIZE' }),
  hostname: text({ short: 'h', help: 'Host name of the container' }),
  ipc: namespaceMode('IPC namespace to use'),
  pid: value({
    help: 'PID namespace to use',
    completion: modes(PID_WORDS),
    parse: (given) => parseNamespaceMode(given, PID_WORDS),
  }),
  privileged: toggle({ help: 'Give the container all that you may do yourself' }),
  'security-opt': list({ help: 'Change one layer of security, e.g. seccomp=FILE' }),
  subgidname: text({ help: 'Take group ids from the range of this name' }),
  subuidname: text({ help: 'Take user ids from the range of this name' }),
  sysctl: many({ help: 'Set a kernel parameter of the container: name=value', parse: parseKeyValue }),
  uidmap: commaList({ help: 'Map user ids: CONTAINER_ID:FROM_ID:SIZE' }),
  userns: text({ help: 'User namespace to use', completion: USER_NAMESPACES }),
  uts: namespaceMode('UTS namespace to use'),
}

export const NETWORK_FLAGS = {
  'add-host': commaList({
    placeholder: 'name:address',
    help: 'Add a line to /etc/hosts; the address may be host-gateway',
  }),
  dns: commaList({ help: 'Use this DNS server' }),
  'dns-option': commaList({ help: 'Set an option of resolv.conf' }),
  'dns-search': commaList({ help: 'Search this domain' }),
  'hosts-file': text({
    help: 'Start /etc/hosts from this file, from image or from none',
    completion: { kind: 'files' },
  }),
  ip: text({ placeholder: 'ipv4', help: 'IPv4 address of the container' }),
  ip6: text({ placeholder: 'ipv6', help: 'IPv6 address of the container' }),
  'mac-address': text({ help: "Hardware address of the container's interface" }),
  'network-alias': commaList({ help: 'A further name of the container in its networks' }),
  expose: commaList({ help: 'Expose a port or a range of ports for --publish-all' }),
  network: list({ help: 'Network to use', completion: NETWORKS }),
  'no-hostname': toggle({ help: "Leave the image's /etc/hostname as it is" }),
  'no-hosts': toggle({ help: "Leave the image's /etc/hosts as it is" }),
  publish: commaList({
    short: 'p',
    placeholder: '[[ip:]host:]port[/proto]',
    help: 'Publish a port or a range of ports',
  }),
  'publish-all': toggle({ short: 'P', help: 'Publish all exposed ports on free ports' }),
}
