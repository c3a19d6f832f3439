import { BryoError } from '../base/errors.ts'
import { isLoopback, parseIp, parseIpv6 } from './ip.ts'

export interface ResolvConfRequest {
  /** The text of the host's file; empty where there is none. */
  readonly hostResolvConf: string
  /**
   * `host`: the host's file holds as it is; `private`: the host's loopback is out of reach; `none`: no server is in reach.
   */
  readonly reach: 'host' | 'private' | 'none'
  /** Servers of the network helper's own: each asks the host's first server of its address family, loopback or not. */
  readonly forwarders: readonly string[]
  /** False: IPv6 servers are left out. */
  readonly ipv6?: boolean
  /** `--dns`, `--dns-search`, `--dns-option`; `none` as the only server leaves the image's file alone. */
  readonly dns: readonly string[]
  readonly dnsSearch: readonly string[]
  readonly dnsOptions: readonly string[]
}

/**
 * The text of /etc/resolv.conf; undefined where the image keeps its own.
 * @throws BryoError USAGE
 * @see resolv.conf(5)
 */
export function resolvConf(request: ResolvConfRequest): string | undefined {
  const { dns, dnsSearch, dnsOptions } = request
  if (dns.length === 1 && dns[0] === 'none') return undefined
  checkServers(dns)
  checkSearch(dnsSearch)
  checkOptions(dnsOptions)
  const asked = dns.length > 0 || dnsSearch.length > 0 || dnsOptions.length > 0
  if (request.reach === 'host' && !asked) return request.hostResolvConf
  if (request.reach === 'none' && !asked) return ''

  const host = parseResolvConf(request.hostResolvConf)
  const search = dnsSearch.length > 0 ? dnsSearch.filter((domain) => domain !== '.') : host.search
  const servers = dns.length > 0 ? dns : inReach(host.servers, request)
  const options = dnsOptions.length > 0 ? dnsOptions : host.options
  const lines = [
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function inReach(servers: readonly string[], request: ResolvConfRequest): string[] {
  if (request.reach === 'host') return [...servers]
  if (request.reach === 'none') return []
  const direct = servers.filter((server) => {
    const address = parseIp(server)
    // A link-local server has a zone, which is a name of the host's interface.
    return address !== undefined && !isLoopback(address) && (request.ipv6 !== false || address.length === 4)
  })
  return [...new Set([...usefulForwarders(servers, request.forwarders), ...direct])]
}

/** An IPv6 forwarder only where the host has no IPv4 server that the other one could ask. */
function usefulForwarders(servers: readonly string[], forwarders: readonly string[]): readonly string[] {
  const has = (family: string) => servers.some((server) => server.includes(':') === (family === 'ipv6'))
  const wanted = has('ipv6') && !has('ipv4') && forwarders.some((f) => f.includes(':'))
  return forwarders.filter((forwarder) => forwarder.includes(':') === wanted)
}

export interface ResolverSettings {
  readonly servers: readonly string[]
  /** The last `search` or `domain` line counts. */
  readonly search: readonly string[]
  readonly options: readonly string[]
}

export function parseResolvConf(text: string): ResolverSettings {
  const servers: string[] = []
  let search: readonly string[] = []
  const options: string[] = []
  for (const line of text.split('\n')) {
    if (/^[#;]/.test(line)) continue
    const [keyword, ...words] = line.trim().split(/\s+/)
    if (keyword === 'nameserver' && words[0] !== undefined) servers.push(words[0])
    if (keyword === 'search' || keyword === 'domain') search = words.filter((domain) => domain !== '.')
    if (keyword === 'options') options.push(...words)
  }
  return { servers, search, options }
}

function checkServers(servers: readonly string[]): void {
  for (const server of servers) {
    if (server === 'none') {
      throw new BryoError('USAGE', 'invalid dns "none": it cannot be combined with other servers')
    }
    const zoned = /^(.*)%[A-Za-z0-9_.-]{1,15}$/.exec(server)
    if (zoned ? !parseIpv6(zoned[1] ?? '') : !parseIp(server)) {
      throw new BryoError('USAGE', `invalid dns "${server}": it is not an ip address`)
    }
  }
}

const DOMAIN =
  /^(?=.{1,254}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/

/** A word each: a line end would begin another line of the file. */
function checkOptions(options: readonly string[]): void {
  const wrong = options.find((option) => !/^[!-~]+$/.test(option))
  if (wrong === undefined) return
  throw new BryoError('USAGE', `invalid DNS option ${JSON.stringify(wrong)}, expected a word such as ndots:2`)
}

function checkSearch(domains: readonly string[]): void {
  for (const domain of domains) {
    if (domain !== '.' && !DOMAIN.test(domain)) {
      throw new BryoError('USAGE', `invalid dns search domain "${domain}": it is not a valid domain`)
    }
  }
}

/** slirp4netns in its sandbox reads /etc/resolv.conf anew, but has only /etc and /run of the host. */
export function isVisibleToSlirp(resolvConfRealPath: string): boolean {
  return /^\/(etc|run)\//.test(resolvConfRealPath)
}
