import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostsFile, parseAddHost, parseHosts } from '../../src/netns/hosts-file.ts'
import { formatIp, parseIp, parseIpv4, parseIpv4Network, parseIpv6 } from '../../src/netns/ip.ts'
import { networkModeName, parseNetworkMode } from '../../src/netns/mode.ts'
import {
  checkPortConflicts,
  formatMapping,
  parsePublish,
  publishExposedPorts,
} from '../../src/netns/publish.ts'
import { parseResolvConf, resolvConf } from '../../src/netns/resolv-conf.ts'
import { anyText, attempt, FUZZ, textOf } from '../support/fuzz.ts'

describe('parsePublish()', () => {
  const texts = fc.oneof(
    anyText(40),
    textOf(
      ['80', ':', '-', '/', 'tcp', 'udp', 'sctp', '127.0.0.1', '[::1]', '0', '65535', '99999', '1-65535'],
      9,
    ),
  )

  it('takes or refuses any text; what it takes are ports that exist', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const mappings = attempt(() => parsePublish(text)) ?? []
        expect(mappings.length).toBeLessThanOrEqual(65_536)
        for (const mapping of [mappings.at(0), mappings.at(-1)]) {
          if (!mapping) continue
          expect(mapping.containerPort >= 1 && mapping.containerPort <= 65_535).toBe(true)
          expect(mapping.hostPort >= 0 && mapping.hostPort <= 65_535).toBe(true)
          expect(mapping.hostIp === '' || parseIp(mapping.hostIp) !== undefined).toBe(true)
          expect(typeof formatMapping(mapping)).toBe('string')
        }
        if (mappings.length < 100) attempt(() => checkPortConflicts(mappings))
      }),
      FUZZ,
    )
  })

  it('reads what it was written from', () => {
    const port = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(
        fc.ipV4(),
        port,
        port,
        fc.constantFrom('tcp' as const, 'udp' as const),
        (ip, host, inside, protocol) => {
          const [mapping] = parsePublish(`${ip}:${host}:${inside}/${protocol}`)
          expect(mapping).toMatchObject({ hostPort: host, containerPort: inside, protocol })
        },
      ),
      FUZZ,
    )
  })

  it('takes or refuses ports that an image exposes', () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 3 }), (exposed) => {
        for (const { containerPort } of attempt(() => publishExposedPorts(exposed, [])) ?? [])
          expect(Number.isInteger(containerPort)).toBe(true)
      }),
      { ...FUZZ, numRuns: 150 },
    )
  })
})

describe('parseIp() and formatIp()', () => {
  it('read or refuse any text, and read again what they have written', () => {
    const texts = fc.oneof(
      anyText(50),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV4Extended(),
      textOf(['::', ':', '.', 'ffff', '1', '255', '0'], 12),
    )
    fc.assert(
      fc.property(texts, (text) => {
        attempt(() => parseIpv4Network(text))
        const bytes = parseIp(text)
        expect(bytes !== undefined).toBe((parseIpv4(text) ?? parseIpv6(text)) !== undefined)
        if (bytes) expect(parseIp(formatIp(bytes))).toEqual(bytes)
      }),
      FUZZ,
    )
  })

  it('read every address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(parseIp(address)).toBeDefined()
      }),
      FUZZ,
    )
  })
})

describe('parseNetworkMode()', () => {
  it('takes or refuses any text', () => {
    const words = [
      'slirp4netns',
      'pasta',
      'none',
      'host',
      'container',
      'ns',
      'bridge',
      ':',
      ',',
      '=',
      'mtu',
      '1500',
      'cidr',
      '10.0.2.0/24',
      'allow_host_loopback',
      'true',
      '/',
      '..',
      '-T',
      'port_handler',
      'rootlesskit',
    ]
    fc.assert(
      fc.property(fc.oneof(anyText(60), textOf(words, 9)), (text) => {
        const mode = attempt(() => parseNetworkMode(text))
        if (mode)
          expect(
            text === '' ||
              ['default', 'private'].includes(text) ||
              text.startsWith(networkModeName(mode).split(':')[0] ?? ''),
          ).toBe(true)
      }),
      FUZZ,
    )
  })
})

describe('resolv.conf', () => {
  const lines = [
    'nameserver ',
    'search ',
    'domain ',
    'options ',
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    'fe80::1%eth0',
    'a.example',
    'ndots:5',
    '\n',
    '#',
    ';',
    ' ',
    '\t',
    '.',
    'none',
  ]

  it('is read whatever it holds', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), textOf(lines)), (text) => {
        const { servers, search, options } = parseResolvConf(text)
        for (const word of [...servers, ...search, ...options]) expect(word).not.toMatch(/\s/)
      }),
      FUZZ,
    )
  })

  it('of a container holds only lines that a resolver knows', () => {
    const list = fc.array(fc.oneof(anyText(30), textOf(lines, 4)), { maxLength: 3 })
    const reach = fc.constantFrom('host' as const, 'private' as const, 'none' as const)
    fc.assert(
      fc.property(
        fc.oneof(anyText(), textOf(lines)),
        list,
        list,
        list,
        reach,
        (hostResolvConf, dns, dnsSearch, dnsOptions, how) => {
          const request = { hostResolvConf, dns, dnsSearch, dnsOptions, reach: how, forwarders: ['10.0.2.3'] }
          const text = attempt(() => resolvConf(request))
          if (text === undefined || how === 'host') return
          for (const line of text.split('\n')) expect(line).toMatch(/^(?:(?:nameserver|search|options) |#|$)/)
        },
      ),
      FUZZ,
    )
  })
})

describe('/etc/hosts', () => {
  const pieces = [
    '127.0.0.1',
    '::1',
    ' ',
    '\t',
    'localhost',
    'a',
    '\n',
    '#',
    'host-gateway',
    ':',
    '=',
    ';',
    '[',
    ']',
  ]

  it('is read whatever it holds, and written so that it reads the same', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), textOf(pieces)), (baseHosts) => {
        const text = hostsFile({
          baseHosts,
          addHost: [],
          hostname: 'h',
          containerName: 'c',
          address: '10.0.2.100',
        })
        const again = hostsFile({ baseHosts: text, addHost: [], hostname: '', containerName: '' })
        const names = (hosts: string) =>
          new Set(parseHosts(hosts).map(({ address, name }) => `${address} ${name}`))
        expect(names(again)).toEqual(names(text))
      }),
      { ...FUZZ, numRuns: 200 },
    )
  })

  it('takes or refuses any --add-host, which stays one line', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(60), textOf(pieces, 6)), (text) => {
        const entries = attempt(() => parseAddHost(text)) ?? []
        for (const { name, address } of entries) expect(`${name}${address}`).not.toMatch(/\s|#|\0/)
      }),
      FUZZ,
    )
  })
})
