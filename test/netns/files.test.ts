import { describe, expect, it } from 'vitest'
import { hostsFile, parseAddHost } from '../../src/netns/hosts-file.ts'
import { isVisibleToSlirp, resolvConf } from '../../src/netns/resolv-conf.ts'

const NONE = { dns: [], dnsSearch: [], dnsOptions: [] }
const HOST =
  '# made by hand\nsearch a.test b.test\nnameserver 127.0.0.53\nnameserver 192.0.2.53\noptions edns0 trust-ad\n'
const SLIRP = ['10.0.2.3', 'fd00::3']
const priv = { ...NONE, hostResolvConf: HOST, reach: 'private', forwarders: SLIRP } as const

describe('resolvConf()', () => {
  it("puts the forwarder first and leaves out the host's loopback", () => {
    expect(resolvConf(priv)).toBe(
      'search a.test b.test\nnameserver 10.0.2.3\nnameserver 192.0.2.53\noptions edns0 trust-ad\n',
    )
  })

  it('asks the IPv6 forwarder where the host has IPv6 servers only', () => {
    const hostResolvConf = 'nameserver ::1\nnameserver fe80::1%eth0\n'
    expect(resolvConf({ ...priv, hostResolvConf })).toBe('nameserver fd00::3\n')
  })

  it('leaves out IPv6 servers where the container has no IPv6', () => {
    const hostResolvConf = 'nameserver 192.0.2.53\nnameserver fd00::53\n'
    expect(resolvConf({ ...priv, hostResolvConf, ipv6: false, forwarders: [] })).toBe(
      'nameserver 192.0.2.53\n',
    )
  })

  it("copies the host's file for the host's network", () => {
    expect(resolvConf({ ...priv, reach: 'host', forwarders: [] })).toBe(HOST)
  })

  it('is empty without a network', () => {
    expect(resolvConf({ ...priv, reach: 'none', forwarders: [] })).toBe('')
  })

  it('takes servers, domains and options from the command line instead', () => {
    const asked = { dns: ['1.2.3.4'], dnsSearch: ['foo.com'], dnsOptions: ['ndots:2'] }
    expect(resolvConf({ ...priv, ...asked })).toBe('search foo.com\nnameserver 1.2.3.4\noptions ndots:2\n')
    expect(resolvConf({ ...priv, dnsSearch: ['.'] })).not.toContain('search')
  })

  it("leaves the image's file alone for --dns none", () => {
    expect(resolvConf({ ...priv, dns: ['none'] })).toBeUndefined()
  })

  it.each([
    [{ dns: ['bad'] }, 'is not an ip address'],
    [{ dns: ['1.2.3.4\nnameserver 6.6.6.6'] }, 'is not an ip address'],
    [{ dns: ['none', '1.2.3.4'] }, 'cannot be combined'],
    [{ dnsSearch: ['bad domain'] }, 'not a valid domain'],
  ])('refuses %j', (asked, message) => {
    expect(() => resolvConf({ ...priv, ...asked })).toThrow(message)
  })
})

describe('isVisibleToSlirp()', () => {
  it('knows that the sandbox has /etc and /run only', () => {
    expect(isVisibleToSlirp('/run/systemd/resolve/stub-resolv.conf')).toBe(true)
    expect(isVisibleToSlirp('/mnt/wsl/resolv.conf')).toBe(false)
  })
})

describe('hostsFile()', () => {
  const base = {
    addHost: [],
    hostname: 'hh',
    containerName: 'nn',
    address: '10.0.2.100',
    hostAddress: '192.0.2.2',
  }

  it('names localhost, the host and the container', () => {
    expect(hostsFile(base)).toBe(
      '127.0.0.1\tlocalhost\n::1\tlocalhost\n192.0.2.2\thost.containers.internal host.docker.internal\n10.0.2.100\thh nn\n',
    )
  })

  it('lets asked-for names win over all others', () => {
    const addHost = [...parseAddHost('db:host-gateway'), ...parseAddHost('host.docker.internal:1.2.3.4')]
    const text = hostsFile({ ...base, addHost, baseHosts: '9.9.9.9 db old # comment\nnot-an-address x\n' })
    expect(text).toBe(
      [
        '192.0.2.2\tdb',
        '1.2.3.4\thost.docker.internal',
        '127.0.0.1\tlocalhost',
        '::1\tlocalhost',
        '9.9.9.9\told',
        '192.0.2.2\thost.containers.internal',
        '10.0.2.100\thh nn',
        '',
      ].join('\n'),
    )
  })

  it('has no line for the host where it cannot be reached', () => {
    expect(hostsFile({ ...base, hostAddress: undefined })).not.toContain('internal')
    expect(() =>
      hostsFile({ ...base, hostAddress: undefined, addHost: parseAddHost('a:host-gateway') }),
    ).toThrow('host-gateway has no address')
  })
})

describe('parseAddHost()', () => {
  it('takes IPv6 addresses and several names', () => {
    expect(parseAddHost('a;b:[::1]')).toEqual([
      { name: 'a', address: '::1' },
      { name: 'b', address: '::1' },
    ])
    expect(parseAddHost('a:fd00::2')).toEqual([{ name: 'a', address: 'fd00::2' }])
  })

  it.each([
    ['foo', 'bad format for add-host: "foo"'],
    [':1.2.3.4', 'bad format for add-host: ":1.2.3.4"'],
    ['a b:1.2.3.4', 'bad format'],
    ['foo:bad', 'invalid IP address in add-host: "bad"'],
  ])('refuses %s', (text, message) => {
    expect(() => parseAddHost(text)).toThrow(message)
  })
})
