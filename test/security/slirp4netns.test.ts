import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld } from '../e2e/support/world.ts'
import { guardHost } from './support/guard.ts'
import { SECRET } from './support/sentinel.ts'

const world = await openWorld()
guardHost(world)

/** Services of the host that listen on its loopback only. */
const tcp4 = createServer((socket) => socket.end(SECRET))
const tcp6 = createServer((socket) => socket.end(SECRET))
const udp = createSocket('udp4')
let hits = 0
let ports = { tcp4: 0, tcp6: 0, udp: 0 }
const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
)

beforeAll(async () => {
  for (const server of [tcp4, tcp6]) server.on('connection', () => void hits++)
  udp.on('message', (_text, from) => {
    hits++
    udp.send(SECRET, from.port, from.address)
  })
  tcp4.listen(0, '127.0.0.1')
  await once(tcp4, 'listening')
  if (hasIpv6) {
    tcp6.listen(0, '::1')
    await once(tcp6, 'listening')
  }
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const portOf = (server: typeof tcp4) => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  ports = { tcp4: portOf(tcp4), tcp6: hasIpv6 ? portOf(tcp6) : 0, udp: udp.address().port }
})
afterAll(() => {
  for (const server of [tcp4, tcp6]) server.close()
  udp.close()
})

/** Addresses by which a guest has ever reached its host. */
const ADDRESSES = [
  '10.0.2.2',
  '10.0.2.3',
  '10.0.2.100',
  '10.0.2.15',
  '127.0.0.1',
  '0.0.0.0',
  '127.1.2.3',
  'localhost',
]
const ADDRESSES6 = ['::1', 'fd00::2', 'fd00::3', '::ffff:127.0.0.1', '::ffff:10.0.2.2']

function attack(): string {
  const lines = [
    ...ADDRESSES.map((address) => `echo | timeout 2 nc -w 1 ${address} ${ports.tcp4}`),
    ...ADDRESSES.map((address) => `echo | timeout 2 nc -u -w 1 ${address} ${ports.udp}`),
    ...ADDRESSES6.flatMap((address) => [
      `echo | timeout 2 nc -w 1 ${address} ${ports.tcp6 || ports.tcp4}`,
      `wget -T 1 -qO- "http://[${address}]:${ports.tcp4}/"`,
    ]),
    ...['host.containers.internal', 'host.docker.internal'].map(
      (name) => `wget -T 1 -qO- http://${name}:${ports.tcp4}/`,
    ),
  ]
  return `{ ${lines.map((line) => `${line} &`).join(' ')} wait; } 2>/dev/null; echo ended`
}

describe('a service on the loopback of the host', () => {
  it.each([
    ['slirp4netns', []],
    ['slirp4netns with options', ['--network', 'slirp4netns:mtu=1500,cidr=10.0.2.0/24']],
    ['slirp4netns with published ports', ['-p', '127.0.0.1::80']],
    ['slirp4netns without IPv6', ['--network', 'slirp4netns:enable_ipv6=false']],
    ['no network', ['--network', 'none']],
  ])('is out of reach by %s', async (_what, flags) => {
    const text = await world.inside(flags, attack())
    expect(text).toBe('ended')
    expect(hits).toBe(0)
  })

  it('is out of reach by pasta', async (test) => {
    if ((await world.command(['sh', '-c', 'command -v pasta'])).code !== 0)
      test.skip('there is no pasta here')
    expect(await world.inside(['--network', 'pasta'], attack())).toBe('ended')
    expect(hits).toBe(0)
  })

  it('is reached where the user allows it: the attack is one', async () => {
    const text = await world.inside(['--network', 'slirp4netns:allow_host_loopback=true'], attack())
    expect(text).toContain(SECRET)
    expect(hits).toBeGreaterThan(0)
  })
})
