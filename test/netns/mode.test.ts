import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../src/base/errors.ts'
import { networkModeName, parseNetworkMode, parseNetworkModes } from '../../src/netns/mode.ts'
import { DEFAULT_SLIRP_OPTIONS, parseSlirpOptions, slirpAddresses } from '../../src/netns/slirp-options.ts'

describe('parseNetworkMode()', () => {
  it.each(['', 'default', 'private', 'slirp4netns', 'slirp4netns:'])('takes "%s" for slirp4netns', (text) => {
    expect(parseNetworkMode(text)).toEqual({ kind: 'slirp4netns', options: DEFAULT_SLIRP_OPTIONS })
  })

  it.each([
    ['none', { kind: 'none' }],
    ['host', { kind: 'host' }],
    ['container:web', { kind: 'container', container: 'web' }],
    ['ns:/proc/7/ns/net', { kind: 'path', path: '/proc/7/ns/net' }],
    ['pasta', { kind: 'pasta', arguments: [] }],
    ['pasta:--mtu,1500', { kind: 'pasta', arguments: ['--mtu', '1500'] }],
  ])('reads %s', (text, mode) => {
    expect(parseNetworkMode(text)).toEqual(mode)
    expect(parseNetworkMode(networkModeName(parseNetworkMode(text))).kind).toBe(mode.kind)
  })

  it.each([
    ['container:', 'USAGE', 'namespace mode container requires a value'],
    ['ns', 'USAGE', 'namespace mode ns requires a value'],
    ['ns:net', 'USAGE', 'expected an absolute path'],
    ['none:x', 'USAGE', 'takes no value'],
    [':x', 'USAGE', 'network name cannot be empty'],
    ['bridge', 'UNSUPPORTED', 'cannot use network "bridge"'],
    ['my-net', 'UNSUPPORTED', 'cannot use network "my-net"'],
  ])('refuses %s', (text, code, message) => {
    expect(() => parseNetworkMode(text)).toThrow(expect.objectContaining({ code }))
    expect(() => parseNetworkMode(text)).toThrow(message)
  })

  it('refuses several networks', () => {
    expect(() => parseNetworkModes(['none', 'host'])).toThrow('cannot set multiple networks')
    expect(parseNetworkModes([]).kind).toBe('slirp4netns')
  })

  it('answers any text with a mode or an error for the user', () => {
    const words = fc.constantFrom('slirp4netns:', 'pasta:', 'ns:', 'container:', 'mtu=', 'cidr=', ',', '')
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 5 }), (parts) => {
        try {
          parseNetworkMode(parts.join(''))
        } catch (error) {
          expect(error).toBeInstanceOf(BryoError)
        }
      }),
    )
  })
})

describe('parseSlirpOptions()', () => {
  it('reads every option of Podman', () => {
    const words = [
      'allow_host_loopback=true',
      'cidr=10.5.7.0/16',
      'mtu=1500',
      'outbound_addr=eth0',
      'outbound_addr6=fd00::1',
      'port_handler=rootlesskit',
      'enable_ipv6=false',
    ]
    expect(parseSlirpOptions(words)).toEqual({
      allowHostLoopback: true,
      cidr: '10.5.0.0/16',
      mtu: 1500,
      outboundAddr: 'eth0',
      outboundAddr6: 'fd00::1',
      portHandler: 'rootlesskit',
      enableIpv6: false,
    })
  })

  it.each([
    ['foo', 'unknown option for slirp4netns: "foo"'],
    ['foo=1', 'unknown option for slirp4netns: "foo=1"'],
    ['mtu=x', 'invalid mtu "x"'],
    ['mtu=70000', 'invalid mtu "70000"'],
    ['cidr=x', 'invalid cidr "x"'],
    ['cidr=10.0.2.0/26', 'invalid cidr'],
    ['outbound_addr=300.1.1.1', 'invalid outbound_addr "300.1.1.1"'],
    ['outbound_addr6=1.2.3.4', 'invalid outbound_addr6'],
    ['allow_host_loopback=yes', 'invalid value of allow_host_loopback for slirp4netns: "yes"'],
    ['port_handler=x', 'unknown port_handler for slirp4netns: "x"'],
  ])('refuses %s', (word, message) => {
    expect(() => parseSlirpOptions([word])).toThrow(message)
  })
})

describe('slirpAddresses()', () => {
  it('counts from the start of the network', () => {
    expect(slirpAddresses({ cidr: '10.5.0.0/16' })).toEqual({
      gateway: '10.5.0.2',
      dns: '10.5.0.3',
      container: '10.5.0.100',
    })
  })
})
