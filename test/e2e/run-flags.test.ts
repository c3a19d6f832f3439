import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { TEST_USER } from './support/user.ts'
import { BRYO, give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo, inside } = world
const NO_NETWORK = ['--network', 'none']

async function ok(args: readonly string[]): Promise<string> {
  const ended = await bryo(args)
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
  return ended.stdout.replace(/\n$/, '')
}

afterEach(async () => {
  await ok(['rm', '--all', '--force', '--volumes'])
})

describe('entries of users', () => {
  it('look as --passwd-entry and --group-entry want', async () => {
    const flags = [...NO_NETWORK, '--user', '1234:55', '--group-entry', 'team:x:$GID:$USERLIST']
    const entry = ['--passwd-entry', 'my$USERNAME:x:$UID:$GID:$NAME:/srv:/bin/sh']
    const script = 'tail -n 1 /etc/passwd; tail -n 1 /etc/group; echo "$HOME"; whoami'
    expect(await inside([...flags, ...entry], script)).toBe(
      'my1234:x:1234:55:container user:/srv:/bin/sh\nteam:x:55:\n/srv\nmy1234',
    )
  })

  it('are those of the host with --hostuser, at home where that is mounted', async () => {
    const name = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((line) => line.split(':')[2] === String(TEST_USER.uid))
      ?.split(':')[0]
    const flags = [...NO_NETWORK, '--hostuser', String(TEST_USER.uid)]
    expect(await inside([...flags, '-w', '/srv'], 'tail -n 1 /etc/passwd')).toMatch(
      new RegExp(`^${name}:x:${TEST_USER.uid}:\\d+:[^:]*:/srv:/bin/sh$`),
    )
    expect(await inside([...flags, '--user', `${name}`], 'id -un')).toBe(name)
    expect(await inside(['--passwd=false', ...flags], 'tail -n 1 /etc/passwd')).toContain('ana')
    const unknown = await bryo(['run', '--rm', '--hostuser', 'nobody-of-here', IMAGE, 'true'])
    expect(unknown).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('this host has no such user'),
    })
  })
})

describe('files that bryo makes', () => {
  it.each(['passwd', 'group', 'hosts', 'resolv.conf', 'hostname'])(
    'give way to a mount at /etc/%s',
    async (name) => {
      const file = join(world.work, name)
      writeFileSync(file, 'mine:x:1234:1234::/:/bin/sh\n', { mode: 0o644 })
      give(file)
      const flags = ['--user', '1234', '--volume', `${file}:/etc/${name}`]
      expect(await inside(flags, `cat /etc/${name}`)).toBe('mine:x:1234:1234::/:/bin/sh')
      expect(readFileSync(file, 'utf8')).toBe('mine:x:1234:1234::/:/bin/sh\n')
    },
  )

  it('are shown below --chrootdirs too, and left out by --no-hostname', async () => {
    expect(
      await inside([...NO_NETWORK, '--hostname', 'abc', '--chrootdirs', '/srv'], 'cat /srv/etc/hostname'),
    ).toBe('abc')
    expect(await inside([...NO_NETWORK, '--no-hostname'], 'test -s /etc/hostname || echo none')).toBe('none')
  })

  it('begin with --hosts-file', async () => {
    const file = join(world.work, 'base-hosts')
    writeFileSync(file, '192.0.2.77 base.example\n')
    give(file)
    const flags = ['--hosts-file', 'base-hosts', '--add-host', 'own.example:192.0.2.78']
    const text = await inside([...NO_NETWORK, ...flags], 'cat /etc/hosts')
    expect(text).toContain('192.0.2.77\tbase.example')
    expect(text).toContain('192.0.2.78\town.example')
    const missing = await bryo(['run', '--rm', '--hosts-file', 'not-there', IMAGE, 'true'])
    expect(missing).toMatchObject({ code: 125, stderr: expect.stringContaining('it does not exist') })
  })
})

describe('--http-proxy', () => {
  it('takes over the proxies of the caller, which are left outside by default', async () => {
    const env = { http_proxy: 'http://proxy.example:1', NO_PROXY: 'a,b', ftp_proxy: 'x' }
    const show = async (...flags: readonly string[]) => {
      const argv = ['run', '--rm', ...NO_NETWORK, ...flags, IMAGE, 'sh', '-c', 'env | grep -i _proxy | sort']
      return (await bryo(argv, { env })).stdout
    }
    expect(await show()).toBe('')
    expect(await show('--http-proxy', '-e', 'ftp_proxy=y')).toBe(
      'NO_PROXY=a,b\nftp_proxy=y\nhttp_proxy=http://proxy.example:1\n',
    )
  })
})

describe('--image-volume', () => {
  it('says what the volumes of an image become', async () => {
    await ok(['create', '--name', 'plain', IMAGE, 'true'])
    await ok(['commit', '-q', '-c', 'VOLUME /vol', 'plain', 'declared'])
    const script = 'grep -o "^.* /vol [a-z0-9]*" /proc/mounts || echo none'
    const show = (...flags: readonly string[]) =>
      ok(['run', '--rm', ...NO_NETWORK, ...flags, 'declared', 'sh', '-c', script])
    const volume = await show()
    expect(volume).toMatch(/^(?!tmpfs).+ \/vol /)
    expect(await show('--image-volume', 'anonymous')).toBe(volume)
    expect(await show('--image-volume', 'tmpfs')).toBe('tmpfs /vol tmpfs')
    expect(await show('--image-volume', 'ignore')).toBe('none')
    expect(await ok(['volume', 'ls', '-q'])).toBe('')
  })
})

describe('--rmi', () => {
  const exists = async (name: string) => (await bryo(['image', 'exists', name])).code === 0

  it.each([[[]], [['-t']]])('removes container and image in the end: %j', async (flags) => {
    await ok(['create', '--name', 'plain', IMAGE, 'true'])
    await ok(['commit', '-q', 'plain', 'passing'])
    await ok(['create', '--name', 'other', 'passing', 'true'])
    await ok(['run', '--rmi', ...NO_NETWORK, ...flags, 'passing', 'true'])
    expect(await exists('passing')).toBe(true)
    await ok(['rm', 'other'])
    await ok(['run', '--rmi', ...NO_NETWORK, ...flags, 'passing', 'true'])
    expect(await exists('passing')).toBe(false)
    expect(await ok(['ps', '-aq'])).not.toContain('\n')
  })

  it('does so in the background too, and contradicts --rm=false', async () => {
    await ok(['tag', IMAGE, 'passing'])
    const id = await ok(['run', '--detach', '--rmi', ...NO_NETWORK, 'passing', 'cat'])
    await ok(['wait', '--condition', 'removed', id])
    await expect.poll(() => exists('passing'), { timeout: 20_000 }).toBe(false)
    expect(await exists(IMAGE)).toBe(true)
    for (const contrary of ['--rm=false', '--restart=always']) {
      const ended = await bryo(['run', contrary, '--rmi', 'passing', 'true'])
      expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('cannot use --rmi with') })
    }
  })
})

describe('--ip and --mac-address', () => {
  it('are kept by slirp4netns', async () => {
    const mac = '92:d0:c6:0a:29:33'
    const flags = ['--mac-address', mac, '--network', 'slirp4netns:cidr=10.9.0.0/24', '--ip', '10.9.0.100']
    const script = 'cat /sys/class/net/tap0/address; ip -4 addr show tap0 | grep -o "10.9.0.[0-9]*/"'
    expect(await inside(flags, script)).toBe(`${mac}\n10.9.0.100/`)
  })
})

describe('--systemd', () => {
  it('prepares a container whose command is an init', async () => {
    const init = ['--entrypoint', '/sbin/init', '--stop-timeout', '3']
    await ok(['create', '--name', 'booted', ...init, IMAGE])
    const format = '{{.Config.SystemdMode}} {{.Config.StopSignal}}'
    expect(await ok(['inspect', '--format', format, 'booted'])).toBe('true SIGRTMIN+3')
    await ok(['create', '--name', 'plain', '--systemd=false', ...init, IMAGE])
    expect(await ok(['inspect', '--format', format, 'plain'])).toBe('false SIGTERM')
  })

  it('mounts what systemd wants empty, with --shm-size-systemd, and names the machine', async () => {
    const flags = ['--systemd', 'always', '--shm-size-systemd', '1m', '--name', 'sd']
    const script = `grep -E ' (/run|/run/lock|/tmp|/var/log/journal) tmpfs .*size=1024k' /proc/mounts | cut -d ' ' -f 2 | sort
      echo "$container_uuid"; touch /run/lock/x`
    const id = await ok(['create', ...flags, ...NO_NETWORK, IMAGE, 'sh', '-c', script])
    expect(await ok(['start', '--attach', 'sd'])).toBe(
      `/run\n/run/lock\n/tmp\n/var/log/journal\n${id.slice(0, 32)}`,
    )
  })
})

describe('--domainname and --personality', () => {
  it('reach the kernel', async () => {
    const flags = [...NO_NETWORK, '--domainname', 'example.org']
    expect(await inside(flags, 'cat /proc/sys/kernel/domainname')).toBe('example.org')
    const machine = await inside(NO_NETWORK, 'uname -m')
    const expected = { x86_64: 'i686', aarch64: 'armv8l' }[machine] ?? machine
    expect(await inside([...NO_NETWORK, '--personality', 'LINUX32'], 'uname -m')).toBe(expected)
  })
})

describe('the log of health checks', () => {
  const check = ['--health-cmd', 'echo 0123456789; exit 1', '--health-interval', 'disable']
  const runWith = async (...flags: readonly string[]) => {
    await ok([
      'run',
      '--detach',
      '--name',
      'checked',
      ...NO_NETWORK,
      ...check,
      ...flags,
      IMAGE,
      'sleep',
      '100',
    ])
    for (let round = 0; round < 3; round++) await bryo(['healthcheck', 'run', 'checked'])
  }

  it('has as many results of such a size as asked for, also in a directory', async () => {
    const directory = world.makeDirectory('health')
    await runWith(
      '--health-max-log-count',
      '2',
      '--health-max-log-size',
      '4',
      '--health-log-destination',
      directory,
    )
    const format = '{{range .State.Health.Log}}{{.Output}},{{end}}'
    expect(await ok(['inspect', '--format', format, 'checked'])).toBe('0123,0123,')
    const [file = ''] = readdirSync(directory)
    expect(file).toMatch(/^[0-9a-f]{64}-healthcheck\.log$/)
    expect(JSON.parse(readFileSync(join(directory, file), 'utf8'))).toMatchObject({
      Status: 'unhealthy',
      Log: [{ Output: '0123' }, { Output: '0123', ExitCode: 1 }],
    })
  })

  it('is in the events alone with events_logger', async () => {
    await runWith('--health-log-destination', 'events_logger')
    expect(await ok(['inspect', '--format', '{{len .State.Health.Log}}', 'checked'])).toBe('0')
    const events = await ok(['events', '--stream=false', '--filter', 'container=checked', '--format', 'json'])
    expect(events).toContain('0123456789')
  })

  it('has to be a directory', async () => {
    const ended = await bryo(['run', '--rm', '--health-log-destination', '/not/there', IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('it is no directory') })
  })
})

describe('--preserve-fd', () => {
  const shell = (words: string) => world.command(['sh', '-c', words, 'sh', BRYO])

  it('lets in the descriptors that it names, to run and exec', async () => {
    const show = `sh -c 'cat <&7; ls /proc/self/fd | tr "\\n" " "'`
    const open = 'exec 6</etc/hostname; echo seven | { exec 7<&0'
    const run = `"$1" run --rm --network none --preserve-fd 7 ${IMAGE} ${show}`
    expect(await shell(`${open}; ${run}; }`)).toMatchObject({ code: 0, stdout: 'seven\n0 1 2 3 7 ' })
    await ok(['run', '--detach', '--name', 'into', ...NO_NETWORK, IMAGE, 'sleep', '100'])
    const exec = `"$1" exec --preserve-fd 7 into ${show}`
    expect(await shell(`${open}; ${exec}; }`)).toMatchObject({ code: 0, stdout: 'seven\n0 1 2 3 7 ' })
  })

  it('refuses what is not open', async () => {
    const ended = await bryo(['run', '--rm', ...NO_NETWORK, '--preserve-fd', '77', IMAGE, 'true'])
    expect(ended).toMatchObject({
      code: 125,
      stderr: expect.stringContaining('file descriptor 77 is not available'),
    })
  })
})

describe('bryo exec', () => {
  it('sees secrets in the environment, as the container', async () => {
    expect(await bryo(['secret', 'create', 'token', '-'], { input: 'abc' })).toMatchObject({ code: 0 })
    const use = ['--secret', 'token,type=env,target=TOKEN']
    await ok(['run', '--detach', '--name', 'secretive', ...NO_NETWORK, ...use, IMAGE, 'sleep', '100'])
    expect(await ok(['exec', 'secretive', 'sh', '-c', 'echo $TOKEN'])).toBe('abc')
    expect(await ok(['exec', '-e', 'TOKEN=own', 'secretive', 'sh', '-c', 'echo $TOKEN'])).toBe('own')
    await ok(['secret', 'rm', 'token'])
    expect(await ok(['exec', 'secretive', 'sh', '-c', 'echo "<$TOKEN>"'])).toBe('<>')
  })

  it('finds the container by --cidfile, and waits for it', async () => {
    const file = join(world.work, 'waited.cid')
    await ok(['create', '--name', 'waited', '--cidfile', file, ...NO_NETWORK, IMAGE, 'sleep', '100'])
    const early = await bryo(['exec', '--wait', '0', '--cidfile', file, 'echo', 'in'])
    expect(early).toMatchObject({ code: 125, stderr: expect.stringContaining('it does not run after 0 s') })
    const waiting = world.start(['exec', '--wait', '-1', '--no-session', '--cidfile', file, 'echo', 'in'])
    await ok(['start', 'waited'])
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: 'in\n' })
  })
})
