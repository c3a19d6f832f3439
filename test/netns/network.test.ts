import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x64'
const BUN = join(ROOT, `node_modules/@oven/bun-linux-${ARCH}/bin/bun`)
const SCENARIOS = join(ROOT, 'test/netns/fixtures/scenarios.ts')
const COMMAND = [BUN, '--config=/dev/null', '--no-env-file', SCENARIOS]
const ENV = {
  PATH: '/usr/bin:/bin',
  BUN_JSC_useConcurrentGC: '0',
  BUN_JSC_numberOfGCMarkers: '1',
  BUN_JSC_useConcurrentJIT: '0',
}
const LIMIT_MS = 60_000

/** Networks are for users without privileges: root hands the scenario to one. */
function asUser(command: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return command
  const uid = /^bryotest:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))?.[1] ?? '65534'
  return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', ...command]
}

/** A scenario that is killed cannot remove its files: so they are all below a directory of the test's own. */
function execute(command: readonly string[]) {
  const TMPDIR = mkdtempSync(join(tmpdir(), 'bryo-netns-test-'))
  chmodSync(TMPDIR, 0o1777)
  const [program = '', ...args] = asUser(command)
  try {
    return JSON.parse(
      execFileSync(program, args, { env: { ...ENV, TMPDIR }, encoding: 'utf8', timeout: LIMIT_MS }),
    )
  } finally {
    rmSync(TMPDIR, { recursive: true })
  }
}

const run = (scenario: string) => execute([...COMMAND, scenario])

const has = (program: string) => existsSync(`/usr/bin/${program}`)
const slirp = describe.skipIf(!has('slirp4netns') || !existsSync('/dev/net/tun'))
const pasta = describe.skipIf(!has('pasta') || !existsSync('/dev/net/tun'))

describe('bringLoopbackUp()', () => {
  it('makes 127.0.0.1 answer in a new namespace', () => {
    expect(run('loopback-up')).toBe('ENETUNREACH ECONNREFUSED')
  })
})

slirp('a container behind slirp4netns', { timeout: LIMIT_MS }, () => {
  it("does not reach the host's loopback by any address of the network", () => {
    const { seen, hostReached } = run('host-loopback-refused')
    expect(hostReached).toBe(false)
    expect(Object.values(seen)).not.toContain('open')
    expect(Object.keys(seen)).toHaveLength(6)
  })

  it("reaches the host's loopback at the gateway where that is allowed", () => {
    expect(run('host-loopback-allowed')).toBe('body\n')
  })

  it("reaches a resolver on the host's loopback, and no other port there", () => {
    const directory = mkdtempSync(join(tmpdir(), 'bryo-resolv-'))
    const file = join(directory, 'resolv.conf')
    writeFileSync(file, 'nameserver 127.0.0.1\n')
    chmodSync(directory, 0o755)
    const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
    try {
      const inside = ['sh', '-c', script, 'sh', file, ...COMMAND, 'loopback-resolver']
      const { seen, hostReached } = execute([
        'unshare',
        '--user',
        '--map-root-user',
        '--mount',
        '--net',
        ...inside,
      ])
      expect(seen[0]).toBe('name!')
      expect(seen.slice(1)).toEqual([expect.not.stringMatching('open'), 'no answer'])
      expect(hostReached).toBe(false)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('ends its helpers when the owner is killed with SIGKILL', () => {
    expect(run('owner-killed')).toEqual({ count: 2, ended: [true, true] })
  })

  it('tells what slirp4netns said when it ends early', () => {
    expect(run('no-namespace')).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('/proc/1/ns'),
    })
  })
})

slirp('a published port', { timeout: LIMIT_MS }, () => {
  it("shows the client's own address, and the gateway for one on the host's loopback", () => {
    const { answers, inside } = run('publish-tcp')
    expect(answers[0]).toBe('10.0.2.2 5')
    expect(answers[1]).toMatch(/^(?!10\.0\.2\.|127\.)[0-9.]+ 5$/)
    expect(inside).toBe('served')
  })

  it('is bound to the one address that was asked for', () => {
    expect(run('publish-one-address').answers).toEqual(['10.0.2.2 5', '10.0.2.2 5'])
  })

  it('works at an IPv6 address of the host', () => {
    expect(run('publish-ipv6').answers).toEqual(['10.0.2.100 1000000', '10.0.2.100 1000000'])
  })

  it("shows the container's own address with port_handler=rootlesskit", () => {
    expect(run('publish-rootlesskit').answers).toEqual(['10.0.2.100 1000000', '10.0.2.100 1000000'])
  })

  it('answers UDP clients on loopback and elsewhere', () => {
    const [loopback, other, again] = run('publish-udp')
    expect([loopback, again]).toEqual(['10.0.2.100 ping', '10.0.2.100 ping'])
    expect(other).toMatch(/^(?!10\.0\.2\.|127\.)[0-9.]+ ping$/)
  })

  it('leaves nothing running where the port was taken in the meantime', () => {
    const { message, own, helper } = run('port-taken-later')
    expect(message).toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`process ${own} (bun)`),
    })
    expect(helper).toEqual([false])
  })
})

describe('allocateHostPorts()', () => {
  it('names the process that holds a port', () => {
    const { own, everywhere, other, holder, foreign, privileged } = run('port-taken')
    expect(everywhere).toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`process ${own} (bun)`),
    })
    expect(other).toMatchObject({ unexpected: [{ hostIp: '127.0.0.2' }] })
    expect(holder).toEqual({ kind: 'process', pid: own, command: 'bun' })
    expect(foreign).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('is no address of this host'),
    })
    const start = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
    if (start > 80) {
      expect(privileged).toMatchObject({
        code: 'PERMISSION',
        hint: expect.stringContaining('net.ipv4.ip_unprivileged_port_start=80'),
      })
    }
  })
})

pasta('a container behind pasta', { timeout: LIMIT_MS }, () => {
  it('serves a published port', () => {
    expect(run('publish-pasta')).toEqual({ answers: ['127.0.0.1 5', '127.0.0.1 5'], inside: 'served' })
  })

  it("does not reach the host's loopback", () => {
    const { seen, hostReached } = run('pasta-loopback-refused')
    expect(hostReached).toBe(false)
    expect(Object.values(seen)).not.toContain('open')
  })

  it('ends with its owner', () => {
    expect(run('owner-killed-pasta').ended).toEqual([true, true, true])
  })

  it('tells what pasta said when it ends early', () => {
    expect(run('no-pasta')).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining("unrecognized option '--no-such-option'"),
    })
  })
})
