import { BryoError } from '../base/errors.ts'
import { parseIp } from './ip.ts'

export interface HostEntry {
  readonly name: string
  /** An address, or `host-gateway`. */
  readonly address: string
}

export interface HostsFileRequest {
  /** Lines to start from, such as the host's own file or the image's. */
  readonly baseHosts?: string | undefined
  readonly addHost: readonly HostEntry[]
  /** Empty where the container has the host's name. */
  readonly hostname: string
  readonly containerName: string
  /** The container's own address; undefined where it shares the host's network. */
  readonly address?: string | undefined
  /** An address at which the container reaches the host; undefined where there is none. */
  readonly hostAddress?: string | undefined
}

const HOST_NAMES = ['host.containers.internal', 'host.docker.internal']
const LOCALHOST: readonly HostEntry[] = [
  { address: '127.0.0.1', name: 'localhost' },
  { address: '::1', name: 'localhost' },
]

/** The text of /etc/hosts: asked-for names win over all others. @throws BryoError USAGE @see hosts(5) */
export function hostsFile(request: HostsFileRequest): string {
  const asked = request.addHost.map((entry) => ({
    ...entry,
    address: resolveGateway(entry, request.hostAddress),
  }))
  const askedNames = new Set(asked.map((entry) => entry.name))
  const base = parseHosts(request.baseHosts ?? '').filter((entry) => !askedNames.has(entry.name))
  const known = new Set([...askedNames, ...base.map((entry) => entry.name)])
  const local = LOCALHOST.filter(
    (entry) =>
      !askedNames.has(entry.name) && !base.some((b) => b.name === entry.name && b.address === entry.address),
  )
  const host = HOST_NAMES.filter((name) => !known.has(name))
  const own = [...new Set([request.hostname, request.containerName])].filter(
    (name) => name && !askedNames.has(name),
  )
  return [
    ...asked.map(lineOf),
    ...local.map(lineOf),
    ...base.map(lineOf),
    ...(request.hostAddress !== undefined && host.length > 0
      ? [`${request.hostAddress}\t${host.join(' ')}\n`]
      : []),
    ...(request.address !== undefined && own.length > 0 ? [`${request.address}\t${own.join(' ')}\n`] : []),
  ].join('')
}

function lineOf({ address, name }: HostEntry): string {
  return `${address}\t${name}\n`
}

function resolveGateway(entry: HostEntry, hostAddress: string | undefined): string {
  if (entry.address !== 'host-gateway') return entry.address
  if (hostAddress !== undefined) return hostAddress
  throw new BryoError(
    'NETWORK',
    `cannot add host "${entry.name}": the container cannot reach the host, so host-gateway has no address`,
    {
      hint: 'give the address itself, or allow the way: --network slirp4netns:allow_host_loopback=true',
    },
  )
}

/** An entry for each name of each line; comments and lines without a valid address are left out. */
export function parseHosts(text: string): HostEntry[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    return parseIp(address.replace(/%.*/, '')) ? names.map((name) => ({ address, name })) : []
  })
}

/** One value of `--add-host`: `NAME:ADDRESS`, several names with `;`. @throws BryoError USAGE */
export function parseAddHost(text: string): HostEntry[] {
  const at = text.indexOf(':')
  const names = text.slice(0, Math.max(at, 0)).split(';')
  if (names.some((name) => name === '' || /[\s#]/.test(name))) {
    throw new BryoError('USAGE', `bad format for add-host: "${text}", expected NAME:ADDRESS`)
  }
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1')
  if (address !== 'host-gateway' && !parseIp(address)) {
    throw new BryoError('USAGE', `invalid IP address in add-host: "${text.slice(at + 1)}"`)
  }
  return names.map((name) => ({ name, address }))
}
