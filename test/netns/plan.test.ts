import { describe, expect, it } from 'vitest'
import { parseNetworkMode } from '../../src/netns/mode.ts'
import { pastaArguments } from '../../src/netns/pasta.ts'
import { type NetworkRequest, planNetwork } from '../../src/netns/plan.ts'
import { parseSocketTable } from '../../src/netns/port-holder.ts'
import { parsePublish } from '../../src/netns/publish.ts'
import { slirpArguments } from '../../src/netns/slirp.ts'
import { failureOf } from '../../src/netns/slirp-api.ts'
import { DEFAULT_SLIRP_OPTIONS } from '../../src/netns/slirp-options.ts'
import { portCarriers } from '../../src/netns/start.ts'
import { defaultNetworkSysctls } from '../../src/netns/sysctls.ts'

const FACTS = { hostAddress: '192.0.2.2', resolvConfRealPath: '/etc/resolv.conf' }

function plan(network: string, more: Partial<NetworkRequest> = {}) {
  const request = {
    publish: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    addHost: [],
    noHosts: false,
    networkAliases: [],
  }
  return planNetwork({ mode: parseNetworkMode(network), ...request, ...more }, FACTS)
}

const WEB = { publish: parsePublish('8080:80') }

describe('planNetwork()', () => {
  it('gives slirp4netns its own namespace, resolver and address', () => {
    const p = plan('slirp4netns:cidr=10.5.0.0/16', WEB)
    expect(p).toMatchObject({
      namespace: { kind: 'new' },
      helper: { kind: 'slirp4netns' },
      ports: WEB.publish,
      bringLoopbackUp: false,
      address: '10.5.0.100',
      files: {
        resolvConf: { reach: 'private', forwarders: ['10.5.0.3', 'fd00::3'] },
        hosts: { address: '10.5.0.100', hostAddress: '192.0.2.2' },
      },
      warnings: [],
    })
  })

  it('names the gateway as the host where its loopback is allowed', () => {
    expect(plan('slirp4netns:allow_host_loopback=true').files).toMatchObject({
      hosts: { hostAddress: '10.0.2.2' },
    })
  })

  it('does not use a resolver that slirp4netns cannot read about', () => {
    const facts = { ...FACTS, resolvConfRealPath: '/mnt/wsl/resolv.conf' }
    const request = {
      ...WEB,
      dns: [],
      dnsSearch: [],
      dnsOptions: [],
      addHost: [],
      noHosts: false,
      networkAliases: [],
    }
    const p = planNetwork({ mode: parseNetworkMode(''), ...request }, facts)
    expect(p.files).toMatchObject({ resolvConf: { forwarders: [] } })
  })

  it.each(['none', 'host'])('discards ports with a warning for %s', (network) => {
    expect(plan(network, WEB)).toMatchObject({ helper: { kind: 'none' }, ports: [] })
    expect(plan(network, WEB).warnings).toHaveLength(1)
    expect(plan(network).warnings).toEqual([])
  })

  it('asks for lo to be set up where no helper does it', () => {
    expect(
      ['none', 'host', 'slirp4netns', 'pasta', 'container:x'].map((m) => plan(m).bringLoopbackUp),
    ).toEqual([true, false, false, false, false])
  })

  it('shares the files of the container whose network is joined', () => {
    expect(plan('container:web')).toMatchObject({
      namespace: { kind: 'container', container: 'web' },
      files: { kind: 'shared' },
    })
  })

  it('tells slirp4netns and pasta of chosen addresses', () => {
    const macAddress = '92:d0:c6:0a:29:33'
    expect(plan('', { ip: '10.0.2.100', macAddress }).helper).toMatchObject({ options: { macAddress } })
    const { helper, address } = plan('pasta', { ip: '10.9.9.9', ip6: 'fd00::9', macAddress })
    expect(address).toBe('10.9.9.9')
    expect(helper).toEqual({
      kind: 'pasta',
      arguments: ['--address', '10.9.9.9', '--address', 'fd00::9', '--ns-mac-addr', macAddress],
    })
  })

  it.each([
    ['none', { dns: ['1.1.1.1'] }, 'conflicting options: dns and the network mode: none'],
    ['container:x', { dnsSearch: ['a'] }, 'conflicting options: dns-search and the network mode: container'],
    ['container:x', WEB, 'conflicting options: publish and the network mode: container:x'],
    ['container:x', { addHost: ['a:1.1.1.1'] }, 'conflicting options: add-host'],
    ['ns:/x', WEB, 'conflicting options: publish'],
    ['slirp4netns', { ip: '10.0.2.5' }, 'the container of 10.0.2.0/24 has 10.0.2.100'],
    ['slirp4netns', { ip6: 'fd00::5' }, '--ip6 can only be used with pasta, not with slirp4netns'],
    ['none', { ip: '10.0.2.100' }, '--ip can only be used with slirp4netns or pasta, not with none'],
    ['pasta', { ip: 'fd00::5' }, 'invalid --ip "fd00::5", expected an IPv4 address'],
    ['pasta', { ip6: '10.0.2.5' }, 'invalid --ip6 "10.0.2.5", expected an IPv6 address'],
    ['pasta', { macAddress: '02::1' }, 'invalid --mac-address "02::1"'],
    ['pasta', { macAddress: '01:00:5e:00:00:01' }, 'expected one of a single interface'],
    ['host', { networkAliases: ['x'] }, '--network-alias can only be used with bridge networks'],
    ['', { noHosts: true, addHost: ['a:1.1.1.1'] }, '--no-hosts and --add-host cannot be set together'],
    ['', { publish: [...WEB.publish, ...WEB.publish] }, 'conflicts with'],
  ])('refuses options that do not go with %s', (network, more, message) => {
    expect(() => plan(network, more)).toThrow(message)
  })
})

describe('slirpArguments()', () => {
  const options = DEFAULT_SLIRP_OPTIONS

  it('protects the host by default', () => {
    expect(slirpArguments({ pid: 7, options }, { ready: 3, exit: 4 })).toEqual([
      'slirp4netns',
      '--disable-host-loopback',
      '--enable-sandbox',
      '--enable-seccomp',
      '--enable-ipv6',
      '--mtu=65520',
      '--cidr=10.0.2.0/24',
      '--configure',
      '--ready-fd=3',
      '--exit-fd=4',
      '7',
      'tap0',
    ])
  })

  it('leaves out only the protection that slirp4netns cannot use', () => {
    const dropped = new Map([['seccomp', 'why'] as const])
    const args = slirpArguments(
      { pid: 7, options },
      { ready: 3, exit: 4, api: { directory: 5, name: 's' } },
      dropped,
    )
    expect(args).not.toContain('--enable-seccomp')
    expect(args).toContain('--enable-sandbox')
    expect(args).toContain('--api-socket=/proc/self/fd/5/s')
  })
})

describe('pastaArguments()', () => {
  const request = { pid: 7, mappings: parsePublish('127.0.0.1:8080:80'), readyPath: '/r' }

  it('lets in published ports only, and nothing out to the host', () => {
    const args = pastaArguments({ ...request, arguments: ['-4'] }).join(' ')
    expect(args).toContain(
      '--no-map-gw --tcp-ports 127.0.0.1/8080:80 --udp-ports none --tcp-ns none --udp-ns none -4 7',
    )
  })

  it('takes --map-gw as the wish for a way to the host', () => {
    expect(pastaArguments({ ...request, arguments: ['--map-gw'] }).join(' ')).not.toContain('map-gw')
  })
})

describe('portCarriers()', () => {
  const ports = ['80', '127.0.0.1:53:53/udp', '54:54/udp', '[::1]:81:81'].flatMap(parsePublish)
  const [web, loopbackUdp, anyUdp, ipv6] = ports

  it("leaves to slirp4netns what keeps the client's address", () => {
    expect(portCarriers(ports, DEFAULT_SLIRP_OPTIONS)).toEqual({
      slirp: [web, anyUdp],
      forwarder: [loopbackUdp, { ...anyUdp, hostIp: '127.0.0.1' }, ipv6],
    })
  })

  it("needs no forwarder for UDP where the host's loopback is in reach", () => {
    const options = { ...DEFAULT_SLIRP_OPTIONS, allowHostLoopback: true }
    expect(portCarriers(ports, options)).toEqual({ slirp: [web, loopbackUdp, anyUdp], forwarder: [ipv6] })
  })
})

describe('parseSocketTable()', () => {
  it('reads addresses, state, uid and inode', () => {
    const v4 =
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 123 1'
    const v6 =
      '   1: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 01 0:0 0:0 0 7 0 9 1'
    expect(parseSocketTable(`  sl header\n${v4}\n${v6}\ngarbage\n`)).toEqual([
      { address: Uint8Array.of(127, 0, 0, 1), port: 8080, listening: true, uid: 1000, inode: '123' },
      { address: Uint8Array.of(127, 0, 0, 1), port: 80, listening: false, uid: 7, inode: '9' },
    ])
  })
})

describe('failureOf()', () => {
  it('tells success from errors and from what is no answer', () => {
    expect(failureOf('{"return":{"id":1}}')).toBeUndefined()
    expect(failureOf('{"error":{"desc":"x"}}')).toBe('{"error":{"desc":"x"}}')
    expect(failureOf('')).toBe('""')
  })
})

describe('defaultNetworkSysctls()', () => {
  it('lets every mapped group ping and every user bind', () => {
    expect(defaultNetworkSysctls(65536)).toEqual([
      { name: 'net.ipv4.ping_group_range', value: '0 65535' },
      { name: 'net.ipv4.ip_unprivileged_port_start', value: '0' },
    ])
  })
})
