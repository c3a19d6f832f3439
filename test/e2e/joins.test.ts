import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo, inside } = world
const NO_NETWORK = ['--network', 'none']

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

/** Runs a container in the background that sleeps; gives its id. */
async function start(name: string, ...flags: readonly string[]): Promise<string> {
  const ended = await bryo(['run', '-d', '--name', name, ...NO_NETWORK, ...flags, IMAGE, 'sleep', '1000'])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

async function format(name: string, template: string): Promise<string> {
  const ended = await bryo(['inspect', '--format', template, name])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

/** The namespace of a container's first process, as its host shows it. */
async function namespacePath(name: string, file: string): Promise<string> {
  return `/proc/${await format(name, '{{.State.Pid}}')}/ns/${file}`
}

const namespaces = (pid: string) =>
  `for n in user net pid ipc uts cgroup mnt; do echo $n $(readlink /proc/${pid}/ns/$n); done`

/** Each with the namespace's file in /proc/PID/ns. */
const OPTIONS = [
  ['--network', 'net'],
  ['--pid', 'pid'],
  ['--ipc', 'ipc'],
  ['--uts', 'uts'],
  ['--cgroupns', 'cgroup'],
  ['--userns', 'user'],
] as const

describe('container:NAME', () => {
  it.each(OPTIONS)('%s shares that namespace and the user namespace, and no other', async (flag, file) => {
    await start('web')
    const theirs = (await bryo(['exec', 'web', 'sh', '-c', namespaces('self')])).stdout.trim().split('\n')
    const flags = flag === '--network' ? [] : NO_NETWORK
    const own = (await inside([...flags, flag, 'container:web'], namespaces('self'))).split('\n')
    const shared = own.filter((line) => theirs.includes(line)).map((line) => line.split(' ')[0])
    expect(shared).toEqual(
      ['user', 'net', 'pid', 'ipc', 'uts', 'cgroup'].filter((name) => name === 'user' || name === file),
    )
  })

  it('is all of them at once, by a beginning of the id', async () => {
    const id = (await start('web')).slice(0, 12)
    const flags = ['network', 'pid', 'ipc', 'uts', 'cgroupns', 'userns'].flatMap((name) => [
      `--${name}`,
      `container:${id}`,
    ])
    const [own, theirs] = (await inside(flags, `${namespaces('self')}; echo; ${namespaces('1')}`)).split(
      '\n\n',
    )
    expect(own?.split('\n').slice(0, -1)).toEqual(theirs?.split('\n').slice(0, -1))
  })

  it('--pid shows the other its processes in /proc, behind the same masks', async () => {
    await start('web')
    const script = [
      'tr "\\0" " " </proc/1/cmdline; echo',
      'test $$ != 1 && echo not first',
      'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status',
      'echo x 2>/dev/null >/proc/sys/kernel/domainname || echo read-only',
      'ls -A /proc/acpi /proc/scsi 2>/dev/null | grep -v : | wc -w',
    ].join('; ')
    expect((await inside([...NO_NETWORK, '--pid', 'container:web'], script)).split('\n')).toEqual([
      'sleep 1000 ',
      'not first',
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
      'read-only',
      '0',
    ])
  })

  it('--pid goes with a network of the container’s own', async () => {
    await start('web')
    const said = await inside(
      ['--pid', 'container:web'],
      'ip -4 -o addr show tap0; ps | grep -c "sleep 100[0]"',
    )
    expect(said).toMatch(/10\.0\.2\.100[\s\S]*\n1$/)
  })

  it('--pid goes with fuse-overlayfs, and with other ids than the default ones', async () => {
    await start('web', '--userns', 'keep-id')
    const flags = [...NO_NETWORK, '--pid', 'container:web']
    expect(await inside(flags, 'id -u; ps | grep -c "sleep 100[0]"')).toBe('0\n1')
    await start('plain')
    const fuse = [
      '--storage-driver',
      'fuse-overlayfs',
      'run',
      '--rm',
      ...NO_NETWORK,
      '--pid',
      'container:plain',
    ]
    const ended = await bryo([...fuse, IMAGE, 'sh', '-c', 'sleep 1000 & touch /x && echo done'])
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'done\n' })
  })

  it('--ipc shares /dev/shm', async () => {
    await start('web')
    await bryo(['exec', 'web', 'sh', '-c', 'echo one >/dev/shm/f'])
    const flags = [...NO_NETWORK, '--ipc', 'container:web']
    expect(
      await inside(flags, 'cat /dev/shm/f; echo two >/dev/shm/g; grep " /dev/shm " /proc/mounts'),
    ).toMatch(/^one\ntmpfs \/dev\/shm tmpfs rw,nosuid,nodev,noexec/)
    expect(await bryo(['exec', 'web', 'cat', '/dev/shm/g'])).toMatchObject({ stdout: 'two\n' })
    expect(await inside([...flags, '--tmpfs', '/dev/shm'], 'ls /dev/shm')).toBe('')
  })

  it('--uts has the name of the other, everywhere', async () => {
    await start('web', '--hostname', 'server')
    const flags = [...NO_NETWORK, '--uts', 'container:web']
    expect(await inside(flags, 'hostname; echo $HOSTNAME; cat /etc/hostname')).toBe('server\nserver\nserver')
    await start('second', '--uts', 'container:web')
    expect(await bryo(['exec', 'second', 'sh', '-c', 'echo $HOSTNAME'])).toMatchObject({ stdout: 'server\n' })
    expect(await format('second', '{{.Config.Hostname}}')).toBe('server')
  })

  it('is kept by id, and shown by inspect', async () => {
    const id = await start('web')
    const flags = ['pid', 'ipc', 'uts', 'cgroupns', 'userns'].flatMap((name) => [
      `--${name}`,
      'container:web',
    ])
    expect(
      await bryo(['create', '--name', 'second', ...flags, '--network', 'container:web', IMAGE, 'true']),
    ).toMatchObject({
      code: 0,
    })
    const modes = ['PidMode', 'IpcMode', 'UTSMode', 'CgroupMode', 'UsernsMode', 'NetworkMode']
    expect(await format('second', modes.map((mode) => `{{.HostConfig.${mode}}}`).join(' '))).toBe(
      modes.map(() => `container:${id}`).join(' '),
    )
    await bryo(['rm', '--force', 'web'])
    await start('web')
    const ended = await bryo(['start', 'second'])
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toContain('no such container')
  })

  it('is known to rm --depend, exec and top', async () => {
    await start('web')
    await start('second', '--pid', 'container:web')
    expect((await bryo(['exec', 'second', 'ps'])).stdout.match(/sleep 1000/g)).toHaveLength(2)
    const rows = (await bryo(['top', 'second', 'pid', 'args'])).stdout.trim().split('\n').slice(1)
    expect(rows.map((row) => row.replace(/ +/g, ' '))).toEqual([
      expect.stringMatching(/^\d+ sleep 1000$/),
      '1 sleep 1000',
    ])
    expect(await bryo(['rm', '--force', '--depend', 'web'])).toMatchObject({ code: 0 })
    expect(await bryo(['ps', '--all', '--quiet'])).toMatchObject({ stdout: '' })
  })

  it('is named by bryo security', async () => {
    await start('web')
    await start('second', '--pid', 'container:web', '--ipc', 'container:web')
    const ended = await bryo(['security', '--format', 'json', 'second'])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    const layers = JSON.parse(ended.stdout) as { Layer: string; State: string; Detail: string }[]
    const weak = layers.filter(({ State }) => State === 'loosened' || State === 'missing')
    expect(weak.map(({ Layer, State }) => `${Layer} ${State}`)).toEqual([
      'namespaces loosened',
      'shared-memory loosened',
      'processes loosened',
    ])
    expect(weak[0]?.Detail).toBe('shared with others: user, pid, ipc')
    const planned = await bryo([
      'run',
      '--rm',
      '--security-report',
      ...NO_NETWORK,
      '--userns',
      'container:web',
      IMAGE,
      'true',
    ])
    expect(planned.stderr).toMatch(/^namespaces +loosened +shared with others: user /m)
    expect(planned.stderr).toMatch(/^nested-userns +on /m)
  })
})

describe('the end of a container that shares processes', () => {
  it('is by the kernel where the other ends, in the background and in the foreground', async () => {
    await start('web')
    await start('second', '--pid', 'container:web')
    const third = world.start([
      'run',
      '--rm',
      ...NO_NETWORK,
      '--pid',
      'container:web',
      IMAGE,
      'sh',
      '-c',
      'echo up; sleep 1000',
    ])
    await third.said('up')
    expect(await bryo(['kill', 'web'])).toMatchObject({ code: 0 })
    expect(await bryo(['wait', 'second'])).toMatchObject({ code: 0, stdout: '137\n' })
    expect(await third.ended).toMatchObject({ code: 137 })
    expect(await format('second', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 137')
    const ended = await bryo(['start', 'second'])
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toContain('container "web": it is exited, expected running')
    await bryo(['start', 'web'])
    expect(await bryo(['start', 'second'])).toMatchObject({ code: 0 })
    expect(await bryo(['restart', 'second'])).toMatchObject({ code: 0 })
  })

  it('comes by SIGTERM, without a handler', async () => {
    await start('web')
    await start('second', '--pid', 'container:web')
    expect(await bryo(['stop', '--time', '100', 'second'])).toMatchObject({ code: 0, stderr: '' })
    expect(await format('second', '{{.State.ExitCode}}')).toBe('143')
    expect(await format('web', '{{.State.Status}}')).toBe('running')
  })

  it.each([
    ['in the foreground', []],
    ['in the background', ['-d']],
  ])('takes along what the command has left running: %s', async (_where, flags) => {
    await start('web', '--init')
    const left = 'sleep 2000 & exec sleep 0.1'
    const run = [
      'run',
      ...flags,
      '--name',
      'second',
      ...NO_NETWORK,
      '--pid',
      'container:web',
      IMAGE,
      'sh',
      '-c',
      left,
    ]
    expect(await bryo(run)).toMatchObject({ code: 0 })
    expect(await bryo(['wait', 'second'])).toMatchObject({ stdout: '0\n' })
    expect((await bryo(['exec', 'web', 'ps'])).stdout).not.toContain('sleep 2000')
    expect((await bryo(['exec', 'web', 'ps'])).stdout).toContain('sleep 1000')
  })
})

describe('ns:PATH', () => {
  it.each(OPTIONS)('%s enters the namespace at a path', async (flag, file) => {
    await start('web')
    const path = await namespacePath('web', file)
    const expected = (await bryo(['exec', 'web', 'readlink', `/proc/self/ns/${file}`])).stdout.trim()
    const flags = flag === '--network' ? [] : NO_NETWORK
    expect(await inside([...flags, flag, `ns:${path}`], ['readlink', `/proc/self/ns/${file}`])).toBe(expected)
  })

  it('enters what unshare(1) has made, without a container', async () => {
    const holder = world.startCommand([
      'unshare',
      '--map-root-user',
      '--net',
      '--uts',
      'sh',
      '-c',
      'hostname strange; echo $$; exec sleep 1000',
    ])
    try {
      await holder.said('\n')
      const pid = holder.stdout().trim()
      const flags = ['--network', `ns:/proc/${pid}/ns/net`, '--uts', `ns:/proc/${pid}/ns/uts`]
      const said = await inside(flags, 'hostname; ls /sys/class/net; wc -l </proc/self/uid_map; id -u')
      expect(said).toBe('strange\nlo\n1\n0')
    } finally {
      holder.kill('SIGKILL')
      await holder.ended
    }
  })

  it.each([
    ['--pid', '/proc/self/ns/pid', 'it belongs to the host'],
    ['--network', '/proc/self/ns/net', 'it belongs to the host'],
    ['--uts', '/proc/self/ns/uts', 'it belongs to the host'],
    ['--userns', '/proc/self/ns/user', 'not a user namespace that can be joined'],
    ['--network', '/proc/1/ns/net', 'cannot join the network namespace "/proc/1/ns/net"'],
    ['--ipc', '/proc/self/ns/uts', 'found type uts, expected type ipc'],
    ['--pid', '/etc/passwd', 'found no namespace'],
    ['--pid', '/dev/null', 'found no namespace'],
    ['--userns', '/', 'found no namespace'],
    ['--uts', '/nonexistent', 'it does not exist'],
  ])('%s of %s is refused', async (flag, path, message) => {
    const before = world.listing()
    const ended = await bryo(['run', '--rm', flag, `ns:${path}`, IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toMatch(/^Error: /)
    expect(ended.stderr).toContain(message)
    await world.expectUnchanged(before)
  })

  it('does not wait for the other end of a FIFO', async () => {
    const path = join(world.makeDirectory('pipes'), 'fifo')
    expect(await world.command(['mkfifo', path])).toMatchObject({ code: 0 })
    expect((await bryo(['run', '--rm', '--pid', `ns:${path}`, IMAGE, 'true'])).stderr).toContain(
      'found no namespace',
    )
  })
})

describe('what does not go together', () => {
  it.each([
    [['--pid', 'container:web', '--userns', 'keep-id'], 'conflicting options'],
    [['--ipc', 'container:web', '--uidmap', '0:0:1'], 'conflicting options'],
    [['--pid', 'container:web', '--network', 'container:other'], 'different user namespaces'],
    [['--userns', 'container:other', '--uts', 'container:web'], 'different user namespaces'],
    [['--pid', 'container:web', '--init'], "PID namespace isn't private"],
    [['--pid', 'container:web', '--oom-score-adj', '500'], '--oom-score-adj'],
    [['--uts', 'container:web', '--hostname', 'x'], 'cannot set hostname'],
    [['--pid', 'container:nobody'], 'no container with name or ID "nobody"'],
    [['--userns', 'container:nobody'], 'no container with name or ID "nobody"'],
    [['--pid', 'container:stopped'], 'it is created, expected running'],
    [['--pid', 'hosts'], 'expected private, host, container:NAME'],
    [['--ipc', 'container:'], 'expected private, host, container:NAME'],
    [['--uts', 'ns:relative'], 'ns: and an absolute path'],
  ])('%j', async (flags, message) => {
    await start('web')
    await start('other')
    await bryo(['create', '--name', 'stopped', IMAGE, 'true'])
    const before = await bryo(['ps', '--all', '--quiet'])
    const ended = await bryo(['run', '--rm', ...flags, IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
    expect((await bryo(['ps', '--all', '--quiet'])).stdout).toBe(before.stdout)
  })

  it('leaves the limit of user namespaces of the other as it is', async () => {
    await start('web', '--security-opt', 'nested-userns')
    const limit = ['cat', '/proc/sys/user/max_user_namespaces']
    const before = await bryo(['exec', 'web', ...limit])
    expect(await inside([...NO_NETWORK, '--userns', 'container:web'], limit)).toBe(before.stdout.trim())
    expect((await bryo(['exec', 'web', ...limit])).stdout).toBe(before.stdout)
  })
})
