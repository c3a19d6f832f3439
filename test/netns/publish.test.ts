import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import type { PortMapping } from '../../src/base/port.ts'
import {
  checkPortConflicts,
  formatMapping,
  parsePublish,
  publishExposedPorts,
} from '../../src/netns/publish.ts'

const mapping = (hostIp: string, hostPort: number, containerPort: number, protocol: 'tcp' | 'udp' = 'tcp') =>
  ({ hostIp, hostPort, containerPort, protocol }) satisfies PortMapping

describe('parsePublish()', () => {
  it.each([
    ['80', [mapping('', 0, 80)]],
    [':80', [mapping('', 0, 80)]],
    ['0:80', [mapping('', 0, 80)]],
    ['8080:80', [mapping('', 8080, 80)]],
    ['8080:80/UDP', [mapping('', 8080, 80, 'udp')]],
    ['0.0.0.0:8080:80', [mapping('', 8080, 80)]],
    ['127.0.0.1:8080:80', [mapping('127.0.0.1', 8080, 80)]],
    ['127.0.0.1::80', [mapping('127.0.0.1', 0, 80)]],
    ['[::1]:8080:80/tcp', [mapping('::1', 8080, 80)]],
    ['[::1]::80', [mapping('::1', 0, 80)]],
    ['8000-8001:80-81', [mapping('', 8000, 80), mapping('', 8001, 81)]],
    ['80-81', [mapping('', 0, 80), mapping('', 0, 81)]],
    ['65535:65535', [mapping('', 65535, 65535)]],
  ])('reads %s', (text, mappings) => {
    expect(parsePublish(text)).toEqual(mappings)
  })

  it.each([
    ['foo', 'container port: invalid port number "foo"'],
    ['80:90:100:110', 'invalid port format'],
    ['70000:80', 'port numbers must be between 1 and 65535 (inclusive), got 70000'],
    ['80:0', 'port numbers must be between 1 and 65535'],
    ['80-70:80', 'the end port of a range must be higher than the start port'],
    ['80-90:80', 'host and container port ranges have different lengths: 11 vs 1'],
    ['::80', 'must provide a non-empty container host IP to publish'],
    ['1.2.3:80:80', 'cannot parse "1.2.3" as an IP address'],
    ['80:80/foo', 'unrecognized protocol "foo" in port mapping'],
    ['80:80/', 'must provide a non-empty protocol to publish'],
    ['80:', 'must provide a non-empty container port to publish'],
    ['80:80/sctp', 'expected tcp or udp'],
    ['[::1:8080:80', 'invalid port format'],
    ['[::1]:80', 'invalid port format'],
    ['::1:8080:80', 'invalid port format'],
    ['80:80/tcp/udp', 'protocol can only be specified once'],
    [' 80:80', 'invalid port number " 80"'],
    ['1-2-3:80', 'at most one "-"'],
    ['', 'must provide a non-empty container port'],
  ])('refuses "%s"', (text, message) => {
    expect(() => parsePublish(text)).toThrow(message)
  })

  it('reads back any mapping', () => {
    const port = fc.integer({ min: 1, max: 65535 })
    const ip = fc.constantFrom('', '127.0.0.1', '::1', 'fd00::2')
    const arbitrary = fc.record({
      hostIp: ip,
      hostPort: port,
      containerPort: port,
      protocol: fc.constantFrom('tcp', 'udp'),
    })
    fc.assert(
      fc.property(arbitrary, (m) => {
        const address = m.hostIp === '' ? '' : m.hostIp.includes(':') ? `[${m.hostIp}]:` : `${m.hostIp}:`
        expect(parsePublish(`${address}${m.hostPort}:${m.containerPort}/${m.protocol}`)).toEqual([m])
      }),
    )
  })

  it('answers any text with mappings or an error for the user', () => {
    const word = fc.constantFrom('[', ']', ':', '::1', '/', 'tcp', '-', '80', '1.2.3.4', '99999')
    fc.assert(
      fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 8 }), (parts) => {
        try {
          for (const m of parsePublish(parts.join(''))) {
            expect(m.containerPort).toBeGreaterThan(0)
            expect(Math.max(m.hostPort, m.containerPort)).toBeLessThanOrEqual(65535)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(BryoError)
        }
      }),
    )
  })
})

describe('publishExposedPorts()', () => {
  it('gives free host ports to what is exposed and not yet published', () => {
    expect(publishExposedPorts(['80/tcp', '80/udp', '90-91', '80/tcp'], [mapping('', 8080, 80)])).toEqual([
      mapping('', 0, 80, 'udp'),
      mapping('', 0, 90),
      mapping('', 0, 91),
    ])
  })
})

describe('checkPortConflicts()', () => {
  it.each([
    [mapping('', 80, 1), mapping('', 80, 1)],
    [mapping('', 80, 1), mapping('127.0.0.1', 80, 2)],
    [mapping('::', 80, 1), mapping('::1', 80, 2)],
  ])('refuses two mappings of one port of one address', (a, b) => {
    expect(() => checkPortConflicts([a, b])).toThrow('conflicts with')
  })

  it.each([
    [mapping('', 80, 1), mapping('', 80, 1, 'udp')],
    [mapping('127.0.0.1', 80, 1), mapping('127.0.0.2', 80, 1)],
    [mapping('', 80, 1), mapping('::1', 80, 1)],
    [mapping('', 0, 1), mapping('', 0, 1)],
  ])('accepts other protocols, addresses and ports to be chosen', (a, b) => {
    expect(() => checkPortConflicts([a, b])).not.toThrow()
  })
})

describe('formatMapping()', () => {
  it('reads as ps shows it', () => {
    expect(formatMapping(mapping('', 8080, 80))).toBe('0.0.0.0:8080->80/tcp')
    expect(formatMapping(mapping('::1', 8080, 80, 'udp'))).toBe('[::1]:8080->80/udp')
  })
})
