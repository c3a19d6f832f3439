import { readlinkSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { processesOf } from './support/leftovers.ts'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo, inside } = world
const NO_NETWORK = ['--network', 'none']
const SHARED = ['--pid', 'host', ...NO_NETWORK]
const PATIENTLY = { timeout: 20_000 }
/** A program in the background whose parent is gone, and the first one. */
const DAEMON = '(setsid sleep 2000 >/dev/null 2>&1 &); echo up; exec sleep 1000'

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

async function start(name: string, flags: readonly string[], script: string): Promise<void> {
  const ended = await bryo(['run', '-d', '--name', name, ...flags, IMAGE, 'sh', '-c', script])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
}

/** With {@link DAEMON}; its background program runs. */
async function startDaemon(...flags: readonly string[]): Promise<void> {
  await start('web', [...SHARED, ...flags], DAEMON)
  await expect.poll(sleepers, PATIENTLY).toHaveLength(2)
}

async function format(name: string, template: string): Promise<string> {
  const ended = await bryo(['inspect', '--format', template, name])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

/** What containers of this world run. */
function sleepers(): readonly string[] {
  return processesOf(world.directory)
    .map(({ command }) => command)
    .filter((command) => command.startsWith('sleep '))
}

describe('--pid host', () => {
  it("shows the host's processes, and the container's by the numbers that the host gives them", async () => {
    const said = await inside(SHARED, 'readlink /proc/self/ns/pid; kill -0 $$ && echo own; echo /proc/[0-9]*')
    const [namespace, own, pids] = said.split('\n')
    expect([namespace, own]).toEqual([readlinkSync('/proc/self/ns/pid'), 'own'])
    expect(pids?.split(' ')).toContain(`/proc/${process.pid}`)
  })

  it('leaves /proc behind the same masks', async () => {
    const script = [
      'grep " /proc proc " /proc/mounts | tail -n 1',
      'cat /proc/sys/user/max_user_namespaces',
      'for f in sys/kernel/domainname sysrq-trigger irq/default_smp_affinity; do (echo x >/proc/$f) 2>/dev/null && echo wrote $f; done',
      'wc -c </proc/interrupts',
      'ls -A /proc/acpi /proc/scsi 2>/dev/null | grep -v : | wc -w',
      'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status',
    ].join('; ')
    const [mount, ...others] = (await inside(SHARED, script)).split('\n')
    expect(mount).toMatch(/^proc \/proc proc rw,nosuid,nodev,noexec/)
    expect(others).toEqual(['0', '0', '0', 'NoNewPrivs:\t1', 'Seccomp:\t2'])
  })

  it.each([[], ['--userns', 'keep-id'], ['--userns', 'auto'], ['--userns', 'nomap'], ['--uidmap', '0:0:1']])(
    'goes with the ids of %s %s',
    async (...flags) => {
      expect(await inside([...SHARED, ...flags], ['readlink', '/proc/self/ns/pid'])).toBe(
        readlinkSync('/proc/self/ns/pid'),
      )
    },
  )

  it.each([
    ['a network and published ports', ['run', '-p', '127.0.0.1::80'], 'ip -4 -o addr show tap0'],
    ['fuse-overlayfs', ['--storage-driver', 'fuse-overlayfs', 'run', ...NO_NETWORK], 'touch /x'],
    ['a terminal', ['run', '-t', ...NO_NETWORK], 'tty'],
    ["the host's other namespaces", ['run', '--network', 'host', '--ipc', 'host', '--uts', 'host'], 'id'],
    [
      'a rank among the victims of want of memory',
      ['run', ...NO_NETWORK, '--oom-score-adj', '700'],
      'grep 700 /proc/self/oom_score_adj',
    ],
  ])('goes with %s', async (_what, args, script) => {
    const ended = await bryo([...args, '--rm', '--pid', 'host', IMAGE, 'sh', '-c', script])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  })

  it('goes with the user namespace of another container, and with its IPC namespace', async () => {
    await start('other', [...NO_NETWORK], 'exec sleep 1000')
    for (const flag of ['--userns', '--ipc']) {
      const said = await inside(
        [...SHARED, flag, 'container:other'],
        'readlink /proc/self/ns/pid; readlink /proc/self/ns/user',
      )
      const user = await bryo(['exec', 'other', 'readlink', '/proc/self/ns/user'])
      expect(said).toBe(`${readlinkSync('/proc/self/ns/pid')}\n${user.stdout.trim()}`)
    }
  })

  it('is no helper of a network away from others that share the ids', async () => {
    await start('seeing', SHARED, 'exec sleep 1000')
    const flags = ['--userns', 'container:seeing']
    const ended = await bryo(['run', '--rm', ...flags, IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain("sees the host's processes")
    expect(await inside([...NO_NETWORK, ...flags], 'echo $$')).toBe('1')
    expect(await inside(['--network', 'container:seeing'], 'echo $$')).toBe('1')
  })

  it('keeps to the limit of processes', async () => {
    const many = 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait'
    const ended = await bryo(['run', '--rm', ...SHARED, '--pids-limit', '5', IMAGE, 'sh', '-c', many])
    expect(ended.stderr).toContain("can't fork")
  })

  it('is known to inspect, ps, top, stats, exec and clone', async () => {
    await startDaemon()
    expect(await format('web', '{{.HostConfig.PidMode}}')).toBe('host')
    const init = await format('web', '{{.State.Pid}}')
    const rows = (await bryo(['top', 'web', 'pid', 'hpid', 'args'])).stdout.trim().split('\n').slice(1)
    expect(rows.map((row) => row.split(/ +/).slice(2).join(' ')).toSorted()).toEqual([
      'sleep 1000',
      'sleep 2000',
    ])
    expect(rows[0]).toMatch(new RegExp(`^${init} +${init} `))
    expect((await bryo(['stats', '--no-stream', '--format', '{{.PIDs}}', 'web'])).stdout).toBe('2\n')
    const number = /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/pid'))?.[1]
    expect((await bryo(['ps', '--format', '{{.PIDNS}}'])).stdout.trim()).toBe(number)
    const entered = await bryo(['exec', 'web', 'readlink', '/proc/self/ns/pid'])
    expect(entered.stdout.trim()).toBe(readlinkSync('/proc/self/ns/pid'))
    expect(await bryo(['container', 'clone', 'web', 'twin'])).toMatchObject({ code: 0 })
    expect(await format('twin', '{{.HostConfig.PidMode}}')).toBe('host')
  })

  it('is named by bryo security', async () => {
    await start('web', SHARED, 'exec sleep 1000')
    const ended = await bryo(['security', '--format', 'json', 'web'])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    const layers = JSON.parse(ended.stdout) as { Layer: string; State: string; Detail: string }[]
    const weak = layers.filter(({ State }) => State === 'loosened' || State === 'missing')
    expect(weak.map(({ Layer, State, Detail }) => `${Layer} ${State} ${Detail}`)).toEqual([
      'namespaces loosened shared with the host: pid',
      "processes loosened at most 2048, beside the host's",
    ])
  })

  it.each([
    [['--pid', 'hosts'], 'expected private, host, container:NAME'],
    [['--pid', ''], 'expected private, host, container:NAME'],
    [['--pid', 'host', '--init'], "PID namespace isn't private"],
    [['--pid', 'host', '--security-opt', 'proc-opts=hidepid=2'], "/proc is the host's"],
    [['--pid', 'host', '--userns', 'container:web'], "a network of the container's own"],
    [['--pid', 'host', '--ipc', 'container:web'], "a network of the container's own"],
    [[...SHARED, '--userns', 'container:web', '--oom-score-adj', '500'], 'cannot use --oom-score-adj'],
    [[...SHARED, '--ipc', 'container:web', '--userns', 'keep-id'], 'conflicting options'],
    [[...SHARED, '-v', '/tmp:/proc/x'], 'nothing may lie over /proc'],
  ])('refuses %j', async (flags, message) => {
    await start('web', NO_NETWORK, 'exec sleep 1000')
    const ended = await bryo(['run', '--rm', ...flags, IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain(message)
    expect((await bryo(['ps', '--all', '--format', '{{.Names}}'])).stdout).toBe('web\n')
  })
})

describe('the end of a container with the processes of the host', () => {
  it.each([
    ['in the foreground', []],
    ['in the background', ['-d']],
  ])('takes along what the command has left running: %s', async (_where, flags) => {
    const left = '(setsid sleep 2000 &); exec sleep 0.1'
    const ended = await bryo(['run', ...flags, '--name', 'web', ...SHARED, IMAGE, 'sh', '-c', left])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(await bryo(['wait', 'web'])).toMatchObject({ stdout: '0\n' })
    expect(sleepers()).toEqual([])
  })

  it('is the time at which bryo in the foreground reaps the first process, and no other', async () => {
    const orphan = '(sleep 1000 >/dev/null 2>&1 & echo $! >/tmp/pid)'
    const parents = 'cut -d " " -f 4 /proc/$(cat /tmp/pid)/stat /proc/$$/stat'
    const [other, own] = (await inside(SHARED, `${orphan}; ${parents}`)).split('\n')
    expect(other).toMatch(/^\d+$/)
    expect(own).not.toBe(other)
  })

  it('takes along what has made namespaces of its own', async () => {
    const script = [
      'unshare -U -m setsid sleep 2000 & first=$!',
      'unshare -m setsid sleep 3000 & second=$!',
      'for pid in $first $second; do until grep -q ^sleep /proc/$pid/cmdline; do :; done; done',
    ].join('\n')
    // Landlock of older kernels lets nobody mount, as unshare(1) does.
    const flags = ['--privileged', '--security-opt', 'nested-userns', '--security-opt', 'landlock=off']
    const ended = await bryo(['run', '--rm', ...SHARED, ...flags, IMAGE, 'sh', '-c', script])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(sleepers()).toEqual([])
  })

  it('comes by stop, by kill, and by a signal from the host', async () => {
    await startDaemon()
    expect(await bryo(['stop', '--time', '100', 'web'])).toMatchObject({ code: 0, stderr: '' })
    expect(await format('web', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 143')
    expect(sleepers()).toEqual([])
    await bryo(['start', 'web'])
    expect(await bryo(['kill', '--signal', 'INT', 'web'])).toMatchObject({ code: 0 })
    expect(await bryo(['wait', 'web'])).toMatchObject({ stdout: '130\n' })
    await bryo(['start', 'web'])
    process.kill(Number(await format('web', '{{.State.Pid}}')), 'SIGKILL')
    expect(await bryo(['wait', 'web'])).toMatchObject({ stdout: '137\n' })
    expect(sleepers()).toEqual([])
  })

  it('is no end for good: restart, init and start', async () => {
    await startDaemon()
    expect(await bryo(['restart', '--time', '0', 'web'])).toMatchObject({ code: 0 })
    await expect.poll(sleepers, PATIENTLY).toHaveLength(2)
    expect(await bryo(['create', '--name', 'held', ...SHARED, IMAGE, 'sleep', '4000'])).toMatchObject({
      code: 0,
    })
    expect(await bryo(['init', 'held'])).toMatchObject({ code: 0 })
    expect(await bryo(['start', 'held'])).toMatchObject({ code: 0 })
    expect(sleepers()).toContain('sleep 4000')
  })

  it.each([
    ['start', ['start', 'web'], 2],
    ['rm', ['rm', 'web'], 0],
    ['container cleanup', ['container', 'cleanup', 'web'], 0],
  ])('is seen to by %s where the monitor was killed', async (_what, args, expected) => {
    await startDaemon()
    process.kill(Number(await format('web', '{{.State.ConmonPid}}')), 'SIGKILL')
    await expect.poll(sleepers, PATIENTLY).toEqual(['sleep 2000'])
    expect(await format('web', '{{.State.Status}}')).toBe('exited')
    expect(await bryo(args)).toMatchObject({ code: 0 })
    await expect.poll(sleepers, PATIENTLY).toHaveLength(expected)
  })

  it('is seen to by the next command where bryo itself was killed', async () => {
    const run = world.start(['run', '--rm', '--name', 'web', ...SHARED, IMAGE, 'sh', '-c', DAEMON])
    await run.said('up')
    await expect.poll(sleepers, PATIENTLY).toHaveLength(2)
    run.kill('SIGKILL')
    await run.ended
    await expect.poll(sleepers, PATIENTLY).toEqual(['sleep 2000'])
    expect(await bryo(['create', IMAGE, 'true'])).toMatchObject({ code: 0 })
    expect(sleepers()).toEqual([])
    expect((await bryo(['ps', '--all', '--format', '{{.Names}}'])).stdout).not.toContain('web')
  })
})
