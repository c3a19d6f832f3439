import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatIp, parseIp, parseIpv4Network } from '../../src/netns/ip.ts'

describe('parseIp()', () => {
  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['FD00:0:0::A', 'fd00::a'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['10.0.2.100', '10.0.2.100'],
  ])('reads %s', (text, canonical) => {
    const bytes = parseIp(text)
    expect(bytes && formatIp(bytes)).toBe(canonical)
  })

  it.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'fe80::1%eth0',
    '1.2.3.4::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7::8',
  ])('refuses "%s"', (text) => {
    expect(parseIp(text)).toBeUndefined()
  })

  it('agrees with the platform on any text', () => {
    const part = fc.constantFrom('0', '1', 'ff', 'abcd', ':', '::', '.', '255', '256', '1.2.3.4', 'g')
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 16 }).map((parts) => parts.join('')),
        (text) => {
          // A "::" that stands for a single group is left to the canonical form of others.
          if (text.includes('::') && text.split(':').filter(Boolean).length > 6) return
          expect(parseIp(text) !== undefined).toBe(isIPv4(text) || isIPv6(text))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('reads back what formatIp() writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(parseIp(formatIp(bytes))).toEqual(bytes)
      }),
    )
  })
})

describe('parseIpv4Network()', () => {
  it('clears host bits', () => {
    expect(parseIpv4Network('10.0.2.77/24')).toEqual({
      address: Uint8Array.of(10, 0, 2, 0),
      prefixLength: 24,
    })
    expect(parseIpv4Network('200.1.2.3/0')?.address).toEqual(Uint8Array.of(0, 0, 0, 0))
    expect(parseIpv4Network('10.0.2.0/33')).toBeUndefined()
  })
})
