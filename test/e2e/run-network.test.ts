import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { freePort, occupyPort, serveText, talkTcp, talkUdp } from './support/server.ts'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo, inside } = world

/** Answers each datagram; busybox has no such server, so this host's perl is lent to the container. */
const UDP_SERVER = `use IO::Socket::INET; $| = 1;
my $s = IO::Socket::INET->new(LocalPort => 5353, Proto => "udp") or die $!;
print "up\\n"; while ($s->recv(my $text, 512)) { $s->send("got $text") }`
const HOST_PROGRAMS = ['/usr', '/lib', '/lib64'].flatMap((path) => ['-v', `${path}:${path}:ro`])

/** Starts a container that is killed when the callback is done. */
async function whileRunning(args: readonly string[], said: string, use: () => Promise<void>): Promise<void> {
  const before = world.listing()
  const run = world.start(['run', '--rm', '--init', ...args])
  try {
    await run.said(said)
    await use()
  } finally {
    run.kill('SIGTERM')
    await run.ended
  }
  await world.expectUnchanged(before)
}

describe('the default network', () => {
  it('is slirp4netns: an address of its own, a way out, a name server', async () => {
    const text = await inside([], 'ip -4 -o addr show tap0; ip route; cat /etc/resolv.conf')
    expect(text).toContain('inet 10.0.2.100/24')
    expect(text).toContain('default via 10.0.2.2 dev tap0')
    expect(text).toMatch(/^nameserver 10\.0\.2\.3$/m)
  })

  it('does not reach the loopback of the host unless that is allowed', async () => {
    const server = await serveText('from the host')
    const fetch = (flags: readonly string[]) =>
      bryo(['run', '--rm', ...flags, IMAGE, 'wget', '-qO-', `http://10.0.2.2:${server.port}/`])
    try {
      expect((await fetch([])).code).not.toBe(0)
      expect(await fetch(['--network', 'slirp4netns:allow_host_loopback=true'])).toMatchObject({
        code: 0,
        stdout: 'from the host',
      })
    } finally {
      await server.close()
    }
  })

  it('takes options of slirp4netns', async () => {
    const text = await inside(
      ['--network', 'slirp4netns:cidr=10.9.8.0/24,mtu=1400'],
      'ip addr show tap0; cat /etc/resolv.conf',
    )
    expect(text).toContain('inet 10.9.8.100/24')
    expect(text).toContain('mtu 1400')
    expect(text).toContain('nameserver 10.9.8.3')
  })

  it('lets an unprivileged user inside listen on a low port, and every group send echo requests', async () => {
    expect(await inside(['-u', 'ana'], 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start')).toBe('0')
    expect(await inside([], 'cat /proc/sys/net/ipv4/ping_group_range')).toMatch(/^0\t\d{4,}$/)
  })
})

describe('--network', () => {
  it('none has loopback only, and it is up', async () => {
    expect(
      await inside(
        ['--network', 'none'],
        "ls /sys/class/net; ip -o addr show lo | grep -c 'inet 127.0.0.1/8'",
      ),
    ).toBe('lo\n1')
  })

  it('host has the interfaces and ports of the host', async () => {
    const server = await serveText('right here')
    try {
      expect(await inside(['--network', 'host'], `wget -qO- http://127.0.0.1:${server.port}/`)).toBe(
        'right here',
      )
    } finally {
      await server.close()
    }
    const own = readFileSync('/proc/net/dev', 'utf8')
      .split('\n')
      .slice(2, -1)
      .map((line) => line.split(':')[0]?.trim())
      .sort()
    expect(
      (await inside(['--network', 'host'], 'tail -n +3 /proc/net/dev | cut -d: -f1'))
        .split('\n')
        .map((name) => name.trim())
        .sort(),
    ).toEqual(own)
  })

  it('container:NAME shares the network of a running one', async () => {
    await whileRunning(
      ['--name', 'server', IMAGE, 'sh', '-c', 'echo up; exec nc -ll -p 7000 -e cat'],
      'up',
      async () => {
        const text = await inside(
          ['--network', 'container:server'],
          'ip -4 -o addr show tap0; until echo hi | nc 127.0.0.1 7000; do :; done',
        )
        expect(text).toContain('10.0.2.100')
        expect(text).toMatch(/\nhi$/)
      },
    )
    const gone = await bryo(['run', '--rm', '--network', 'container:server', IMAGE, 'true'])
    expect(gone.code).toBe(125)
    expect(gone.stderr).toContain('server')
  })

  it('pasta works where it is installed', async (test) => {
    if ((await world.command(['sh', '-c', 'command -v pasta'])).code !== 0)
      test.skip('there is no pasta here')
    const tried = await bryo(['run', '--rm', '--network', 'pasta', IMAGE, 'true'])
    // Its profile for AppArmor, where that is in force.
    if (tried.stderr.includes('open user namespace'))
      test.skip('pasta may not look at the namespaces of others here')
    const text = await inside(
      ['--network', 'pasta'],
      'ip -o link | grep -cv " lo:"; ip route | grep -c default',
    )
    expect(text).toBe('1\n1')
  })

  it.each([
    ['an unknown mode', ['--network', 'carrier-pigeon'], 'carrier-pigeon'],
    ['an unknown option', ['--network', 'slirp4netns:wings=2'], 'wings'],
    ['a container that does not exist', ['--network', 'container:nobody'], 'nobody'],
    ['a port that is no number', ['-p', '80:http'], 'http'],
    ['a port beyond the last one', ['-p', '70000:80'], '70000'],
    ['an invalid name server', ['--dns', 'not-an-address'], 'not-an-address'],
    ['an invalid host entry', ['--add-host', 'onlyname'], 'onlyname'],
  ])('%s is refused', async (_what, flags, named) => {
    const before = world.listing()
    const ended = await bryo(['run', '--rm', ...flags, IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: /)
    expect(ended.stderr).toContain(named)
    await world.expectUnchanged(before)
  })
})

describe('names', () => {
  it('--dns, --dns-search and --dns-option make resolv.conf', async () => {
    const text = await inside(
      ['--dns', '192.0.2.53', '--dns-search', 'example.org', '--dns-option', 'ndots:3'],
      'cat /etc/resolv.conf',
    )
    expect(text.split('\n')).toEqual(
      expect.arrayContaining(['nameserver 192.0.2.53', 'search example.org', 'options ndots:3']),
    )
    expect(text).not.toContain('10.0.2.3')
  })

  it('/etc/hosts has the container, the host, and what --add-host adds', async () => {
    const text = await inside(
      ['--name', 'fen', '-h', 'tarn', '--add-host', 'db:192.0.2.7', '--add-host', 'gate:host-gateway'],
      'cat /etc/hosts',
    )
    expect(text).toMatch(/^127\.0\.0\.1\s.*\blocalhost\b/m)
    expect(text).toMatch(/^10\.0\.2\.100\s+tarn fen$/m)
    expect(text).toMatch(/^192\.0\.2\.7\s+db$/m)
    expect(text).toMatch(/\shost\.containers\.internal\b.*\bhost\.docker\.internal$/m)
    expect(text).toMatch(/\sgate$/m)
  })

  it("--no-hosts leaves the image's own /etc/hosts", async () => {
    expect(await inside(['--no-hosts'], 'cat /etc/hosts 2>/dev/null || echo none')).toBe('none')
  })
})

describe('-p', () => {
  it('publishes a TCP port, on the address that was given', async () => {
    const port = await freePort()
    await whileRunning(
      ['-p', `127.0.0.1:${port}:80`, IMAGE, 'sh', '-c', 'echo up; exec httpd -f -p 80 -h /srv'],
      'up',
      async () => {
        await expect
          .poll(async () => (await talkTcp(port, 'GET /index.html HTTP/1.0\r\n\r\n')) ?? 'refused')
          .toContain('served from inside')
        expect(await talkTcp(port, '', '127.0.0.2')).toBeUndefined()
      },
    )
    expect(await talkTcp(port, '')).toBeUndefined()
  })

  it('publishes a UDP port', async () => {
    const port = await freePort()
    await whileRunning(
      ['-p', `${port}:5353/udp`, ...HOST_PROGRAMS, IMAGE, '/usr/bin/perl', '-e', UDP_SERVER],
      'up',
      async () => {
        expect(await talkUdp(port, 'hi\n')).toBe('got hi\n')
      },
    )
  })

  it('publishes a range, port by port', async () => {
    const port = await freePortPair()
    const listen = 'echo one | nc -l -p 8001 & echo two | nc -l -p 8002 & echo up; wait'
    await whileRunning(['-p', `${port}-${port + 1}:8001-8002`, IMAGE, 'sh', '-c', listen], 'up', async () => {
      await expect.poll(() => talkTcp(port + 1, '')).toBe('two\n')
      await expect.poll(() => talkTcp(port, '')).toBe('one\n')
    })
  })

  it('publishes on a free port where none was named, which ps shows', async () => {
    await whileRunning(
      ['--name', 'any', '-p', '80', IMAGE, 'sh', '-c', 'echo up; exec httpd -f -p 80 -h /srv'],
      'up',
      async () => {
        const ports = (await bryo(['ps', '--format', '{{.Ports}}'])).stdout.trim()
        expect(ports).toMatch(/^0\.0\.0\.0:\d+->80\/tcp$/)
        const port = Number(/:(\d+)->/.exec(ports)?.[1])
        await expect
          .poll(async () => (await talkTcp(port, 'GET /index.html HTTP/1.0\r\n\r\n')) ?? 'refused')
          .toContain('served from inside')
      },
    )
  })

  it('names who holds a taken port, and leaves nothing behind', async () => {
    const server = await occupyPort()
    const before = world.listing()
    const ended = await bryo(['run', '--rm', '-p', `127.0.0.1:${server.port}:80`, IMAGE, 'true'])
    await server.close()
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(new RegExp(`^Error: .*${server.port}`))
    await world.expectUnchanged(before)
  })

  it('names the container that holds a taken port', async () => {
    const port = await freePort()
    await whileRunning(
      ['--name', 'holder', '-p', `${port}:80`, IMAGE, 'sh', '-c', 'echo up; sleep 100'],
      'up',
      async () => {
        const ended = await bryo(['run', '--rm', '-p', `${port}:80`, IMAGE, 'true'])
        expect(ended.code).toBe(125)
        expect(ended.stderr).toContain(String(port))
        expect(ended.stderr).toMatch(/holder|slirp4netns|bryo/)
      },
    )
  })
})

/** Two free ports in a row. */
async function freePortPair(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < 65_535 && (await talkTcp(port + 1, '')) === undefined) return port
  }
}
