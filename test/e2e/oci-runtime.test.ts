import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { bundlesOf, type Config, readText } from './support/bundle.ts'
import { openTerminal } from './support/terminal.ts'
import { TEST_USER } from './support/user.ts'
import { BRYO, give, openWorld } from './support/world.ts'

const world = await openWorld({ image: false })
const { make, oci, ok, run, state } = bundlesOf(world)
const stateRoot = join(world.runtimeDirectory, 'bryo-oci')

afterEach(async () => {
  for (const id of (await ok(['list', '--quiet'])).split('\n'))
    if (id !== '') await ok(['delete', '--force', id])
  expect(readdirSync(stateRoot).filter((name) => name !== '.seccomp')).toEqual([])
})

/** Waits for what cannot be waited for otherwise. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 1000; !(await holds()); left--) {
    if (left === 0) throw new Error('it never came true')
    await setTimeout(10)
  }
}

const stopped = (id: string) => until(async () => (await state(id)).status === 'stopped')

describe('the life of a container', () => {
  it('goes from created over running to stopped, and ends with its deletion', async () => {
    const bundle = make('life', (config) => {
      config.annotations = { 'a.b': 'c' }
    })
    const pidFile = join(world.work, 'life.pid')
    await ok(['create', '--bundle', bundle, '--pid-file', pidFile, 'life'])
    const created = await state('life')
    expect(created).toMatchObject({ status: 'created', id: 'life', bundle, annotations: { 'a.b': 'c' } })
    expect(readText(pidFile)).toBe(String(created.pid))
    expect(readText(`/proc/${created.pid}/cmdline`)).not.toContain('sleep')
    expect(await oci(['delete', 'life'])).toMatchObject({ code: 1 })

    await ok(['start', 'life'])
    expect(await state('life')).toMatchObject({ status: 'running', pid: created.pid })
    expect(readText(`/proc/${created.pid}/cmdline`)).toBe('sleep\u00001000\u0000')
    expect(await oci(['start', 'life'])).toMatchObject({
      code: 1,
      stderr: 'Error: cannot start container "life": it is running, expected created\n',
    })
    expect(await oci(['delete', 'life'])).toMatchObject({ code: 1 })

    await ok(['kill', 'life', 'KILL'])
    await stopped('life')
    expect(await state('life')).toMatchObject({ pid: 0 })
    expect((await oci(['kill', 'life'])).stderr).toContain('container not running')
    expect(await oci(['start', 'life'])).toMatchObject({ code: 1 })
    await ok(['delete', 'life'])
    for (const command of ['state', 'start', 'kill', 'delete']) {
      expect(await oci([command, 'life'])).toMatchObject({
        code: 1,
        stderr: 'Error: container "life" does not exist\n',
      })
    }
    await ok(['delete', '--force', 'life'])
  })

  it('refuses an id that is taken or is no name', async () => {
    const bundle = make('taken', () => {})
    await ok(['create', '-b', bundle, 'taken'])
    expect((await oci(['create', '-b', bundle, 'taken'])).stderr).toContain('already exists')
    expect(await state('taken')).toMatchObject({ status: 'created' })
    for (const id of ['', '..', '../x', 'a/b', '.seccomp', '-x ', 'x\u001b[0m', 'y'.repeat(300)]) {
      expect((await oci(['create', '-b', bundle, '--', id])).code, id).toBe(1)
      expect((await oci(['state', '--', id])).code, id).toBe(1)
    }
  })

  it('does not notice what happens to its bundle after the creation', async () => {
    const bundle = make('fixed', (config) => {
      config.process.args = ['sh', '-c', 'echo first']
    })
    const creator = world.start(['oci-runtime', 'create', '--bundle', bundle, 'fixed'])
    creator.endInput()
    await until(async () => /"status": ?"created"/.test((await oci(['state', 'fixed'])).stdout))
    make('fixed', (config) => {
      config.process.args = ['sh', '-c', 'echo second']
      config.hooks = { poststop: [{ path: '/bin/false' }] }
    })
    await ok(['start', 'fixed'])
    await creator.said('first')
    await stopped('fixed')
    expect(await oci(['delete', 'fixed'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('signals the first process or all, by names and numbers', async () => {
    const bundle = make('signals', (config) => {
      config.process.args = ['sh', '-c', 'trap "exit 0" USR1; sleep 1000 & wait']
    })
    for (const args of [['USR1'], ['sigusr1'], ['10'], ['--all', 'KILL']]) {
      await ok(['create', '-b', bundle, 'signals'])
      await ok(['start', 'signals'])
      await until(async () => (await ok(['ps', '--format', 'json', 'signals'])).includes(','))
      const flags = args.filter((arg) => arg.startsWith('-'))
      const signal = args.filter((arg) => !arg.startsWith('-'))
      await ok(['kill', ...flags, 'signals', ...signal])
      await stopped('signals')
      await ok(['delete', 'signals'])
    }
    expect((await oci(['kill', 'signals', 'NOPE'])).stderr).toContain('invalid signal "NOPE"')
  })

  it('gives the exit code of a program that it waits for', async () => {
    const bundle = make('code', (config) => {
      config.process.args = ['sh', '-c', 'echo said; exit 7']
    })
    expect(await oci(['run', '--bundle', bundle, 'code'])).toEqual({ code: 7, stdout: 'said\n', stderr: '' })
    expect(await ok(['list', '--quiet'])).toBe('')
  })

  it('says at the creation that a program is missing, and at the start that it is no program', async () => {
    const missing = make('missing', (config) => {
      config.process.args = ['nope']
    })
    expect(await oci(['create', '--bundle', missing, 'missing'])).toMatchObject({
      code: 1,
      stderr: 'Error: cannot execute "nope": executable file not found in $PATH\n',
    })
    writeFileSync(join(world.rootfs, 'bin/broken'), 'no program', { mode: 0o755 })
    const broken = make('broken', (config) => {
      config.process.args = ['/bin/broken']
    })
    await ok(['create', '--bundle', broken, 'broken'])
    expect((await oci(['start', 'broken'])).stderr).toContain(
      'cannot execute "/bin/broken": exec format error',
    )
    await stopped('broken')
  })

  it('leaves nothing that cannot be deleted, whenever its creator is killed', async () => {
    const bundle = make('killed', () => {})
    for (let delayMs = 5; delayMs <= 120; delayMs += 5) {
      const creator = world.start(['oci-runtime', 'create', '--bundle', bundle, 'killed'])
      creator.endInput()
      await setTimeout(delayMs)
      creator.kill('SIGKILL')
      await ok(['delete', '--force', 'killed'])
      await creator.ended
    }
  })
})

describe('the log', () => {
  it('has errors as an engine reads them', async () => {
    const log = join(world.work, 'log.json')
    await oci(['--log', log, '--log-format=json', 'start', 'nobody'])
    expect(JSON.parse(readText(log))).toMatchObject({
      level: 'error',
      msg: 'container "nobody" does not exist',
    })
    await oci(['--log', log, '--log-format', 'json', 'state', 'nobody'])
    expect(readText(log).trim().split('\n')).toHaveLength(2)
  })
})

describe('the name bryo-oci', () => {
  it('is the runtime alone', async () => {
    const link = join(world.directory, 'bryo-oci')
    symlinkSync(BRYO, link)
    expect((await world.command([link, '--version'])).stdout).toMatch(/^bryo-oci version \d/)
    const features = JSON.parse((await world.command([link, 'features'])).stdout)
    expect(features).toMatchObject({ ociVersionMin: '1.0.0', hooks: expect.arrayContaining(['poststop']) })
    expect(await world.command([link, 'run'])).toMatchObject({ code: 1 })
    expect((await world.command([link, '--help'])).stdout).toContain('bryo-oci [options] COMMAND')
    expect((await world.command([link, 'images'])).stderr).toContain('unrecognized command')
  })

  it('writes a configuration that runs', async () => {
    const bundle = world.makeDirectory('spec')
    await ok(['spec', '--rootless', '--bundle', bundle])
    expect((await oci(['spec', '--bundle', bundle])).stderr).toContain('the file exists')
    const config: Config = JSON.parse(readText(join(bundle, 'config.json')))
    config.process.terminal = false
    config.process.args = ['cat', '/proc/self/comm']
    config.root.path = world.rootfs
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
    expect(await ok(['run', '--bundle', bundle, 'spec'])).toBe('cat\n')
  })
})

describe('the state directory', () => {
  it('must belong to the caller alone', async () => {
    const open = world.makeDirectory('open')
    await world.command(['chmod', '777', open])
    expect((await oci(['--root', open, 'list'])).stderr).toContain('others may write to it')
    expect((await oci(['--root', '/etc', 'list'])).stderr).toContain('it belongs to uid 0')
  })

  it('may be deeper than the path of a socket', async () => {
    const deep = join(world.work, ...Array.from({ length: 12 }, () => 'deep-directory'))
    mkdirSync(deep, { recursive: true })
    give(world.work)
    const bundle = make('deep', () => {})
    await ok(['--root', deep, 'create', '--bundle', bundle, 'deep'])
    await ok(['--root', deep, 'start', 'deep'])
    await ok(['--root', deep, 'delete', '--force', 'deep'])
  })
})

describe('hooks', () => {
  const note = (kind: string, script = '') => ({
    path: '/bin/sh',
    args: ['sh', '-c', `{ echo ${kind}; cat; echo; } >> ${join(world.work, 'hooks')}; ${script}`],
    env: ['PATH=/bin:/usr/bin'],
  })

  it('run in their order and read the state', async () => {
    const bundle = make('hooked', (config) => {
      const kinds = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']
      config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [note(kind)]]))
      config.hooks.startContainer = [{ path: '/bin/sh', args: ['sh', '-c', 'cat > /tmp/state'] }]
      config.process.args = ['sh', '-c', 'cat /tmp/state']
    })
    const said = JSON.parse(await ok(['run', '--bundle', bundle, 'hooked']))
    expect(said).toMatchObject({ id: 'hooked', status: 'created', bundle })
    const lines = readText(join(world.work, 'hooks')).trim().split('\n')
    expect(lines.filter((_, index) => index % 2 === 0)).toEqual([
      ...['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'],
    ])
    const statuses = lines.filter((_, index) => index % 2 === 1).map((line) => JSON.parse(line).status)
    expect(statuses).toEqual(['created', 'creating', 'creating', 'running', 'stopped'])
  })

  it.each(['prestart', 'createRuntime', 'createContainer'])(
    'end the creation where %s fails',
    async (kind) => {
      rmSync(join(world.work, 'hooks'), { force: true })
      const bundle = make('failing', (config) => {
        config.hooks = { [kind]: [note('bad', 'echo no reason; exit 3')], poststop: [note('poststop')] }
      })
      const { code, stderr } = await oci(['create', '--bundle', bundle, 'failing'])
      expect(code).toBe(1)
      expect(stderr).toContain(
        `cannot run ${kind} hook #0 "/bin/sh": exit status 3, expected 0, it said: no reason`,
      )
      expect(await oci(['state', 'failing'])).toMatchObject({ code: 1 })
      expect(readText(join(world.work, 'hooks'))).toContain('poststop')
    },
  )

  it('end where they take too long', async () => {
    const bundle = make('slow', (config) => {
      config.hooks = { createRuntime: [{ path: '/bin/sleep', args: ['sleep', '1000'], timeout: 1 }] }
    })
    expect((await oci(['create', '--bundle', bundle, 'slow'])).stderr).toContain('it did not end within 1 s')
  })

  it('end the start where startContainer fails, and change nothing where poststart does', async () => {
    const bad = make('bad-start', (config) => {
      config.hooks = { startContainer: [{ path: '/bin/false' }] }
    })
    await ok(['create', '--bundle', bad, 'bad-start'])
    expect((await oci(['start', 'bad-start'])).stderr).toContain('startContainer hook #0')
    await stopped('bad-start')
    const late = make('late', (config) => {
      config.hooks = { poststart: [{ path: '/nonexistent' }] }
    })
    await ok(['create', '--bundle', late, 'late'])
    expect(await oci(['start', 'late'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('poststart'),
    })
    expect(await state('late')).toMatchObject({ status: 'running' })
  })
})

describe('the process', () => {
  it('is as the configuration says', async () => {
    const script = 'id -u; id -g; umask; pwd; echo $HOME; ulimit -n; hostname; cat /proc/self/oom_score_adj'
    const said = await run('attributes', script, ({ process }) => {
      process.user.umask = 0o027
      process.cwd = '/srv'
      process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 88 }]
      process.oomScoreAdj = 700
    })
    expect(said.split('\n')).toEqual(['0', '0', '0027', '/srv', '/root', '77', 'box', '700'])
  })

  it('has the capabilities, no_new_privs and the seccomp filter that were asked for, and no others', async () => {
    const script = 'grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; mkdir /tmp/x; echo $?'
    const change = (nnp: boolean) => (config: Config) => {
      config.process.noNewPrivileges = nnp
      const sets = ['bounding', 'effective', 'permitted']
      config.process.capabilities = Object.fromEntries(sets.map((set) => [set, ['CAP_CHOWN', 'CAP_KILL']]))
      const syscalls = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }]
      config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
    }
    for (const nnp of [true, false]) {
      const lines = (await run(`rights-${nnp}`, script, change(nnp))).split('\n')
      expect(lines).toEqual([
        'CapInh:\t0000000000000000',
        ...['Prm', 'Eff', 'Bnd'].map((set) => `Cap${set}:\t0000000000000021`),
        'CapAmb:\t0000000000000000',
        `NoNewPrivs:\t${nnp ? 1 : 0}`,
        'Seccomp:\t2',
        '1',
      ])
    }
  })

  it('is nobody that the user namespace does not know', async () => {
    const bundle = make('nobody', ({ process }) => {
      process.user.uid = 77
    })
    expect((await oci(['create', '--bundle', bundle, 'nobody'])).stderr).toContain('does not map it')
  })

  it('holds no descriptor of its creator but those that it is given', async () => {
    expect(await run('fds', 'ls /proc/self/fd')).toBe('0\n1\n2\n3')
  })

  it('never is the program of bryo itself', async () => {
    const bundle = make('self', (config) => {
      config.process.args = ['/proc/self/exe']
    })
    await ok(['create', '--bundle', bundle, 'self'])
    expect((await oci(['start', 'self'])).stderr).toContain('the program that starts containers')
  })
})

describe('the root', () => {
  it('is read-only with what is mounted in it, masked and protected', async () => {
    const script = [
      'touch /x || echo root',
      'touch /data/x || echo data',
      'touch /tmp/x && echo tmp',
      'echo 1 > /proc/sys/kernel/hostname || echo sys',
      'wc -c < /proc/version',
      'cat /data/f; stat -c %a /etc; ls /etc | wc -l',
    ].join('; ')
    const said = await run('mounts', `(${script}) 2>/dev/null`, (config) => {
      config.mounts.push(
        { destination: '/data', source: 'vol', options: ['rbind', 'ro'] },
        { destination: '/etc', type: 'tmpfs', options: ['tmpcopyup', 'ro'] },
      )
      const directory = world.makeDirectory('mounts/vol')
      writeFileSync(join(directory, 'f'), 'of the bundle\n')
      mkdirSync(join(world.rootfs, 'data'), { recursive: true })
      give(join(world.rootfs, 'data'))
    })
    expect(said.split('\n')).toEqual(['root', 'data', 'tmp', 'sys', '0', 'of the bundle', '755', '3'])
  })

  it('has the usual devices and no others of the host', async () => {
    const script = 'cd /dev; ls -d *; echo x > /dev/null; stat -c %t,%T null; ls -l pipe | cut -c1'
    const said = await run('devices', script, (config) => {
      config.linux.devices = [{ type: 'p', path: '/dev/pipe', fileMode: 0o600 }]
    })
    const names = ['fd', 'full', 'null', 'pipe', 'ptmx', 'pts', 'random', 'stderr', 'stdin', 'stdout', 'tty']
    expect(said.split('\n')).toEqual([...names, 'urandom', 'zero', '1,3', 'p'])
  })

  it('takes no device that is another one on the host', async () => {
    const bundle = make('device', (config) => {
      config.linux.devices = [{ type: 'c', path: '/dev/zero', major: 1, minor: 3 }]
    })
    expect((await oci(['create', '--bundle', bundle, 'device'])).stderr).toContain('the host has another one')
  })

  it('is not left through links', async () => {
    const root = world.makeDirectory('evil-root')
    await world.command(['cp', '-a', `${world.rootfs}/.`, root])
    rmSync(join(root, 'proc'), { recursive: true })
    symlinkSync('/home', join(root, 'proc'))
    const bundle = make('evil', (config) => {
      config.root.path = root
    })
    expect((await oci(['create', '--bundle', bundle, 'evil'])).stderr).toContain('symbolic link')
    const up = make('up', (config) => {
      config.process.cwd = '/../../../..'
      config.process.args = ['sh', '-c', 'pwd; ls /bin/busybox']
      config.mounts.push({ destination: '/../../../tmp/../../../../srv', type: 'tmpfs' })
    })
    expect(await ok(['run', '--bundle', up, 'up'])).toBe('/\n/bin/busybox\n')
  })
})

describe('namespaces', () => {
  it('are joined by their paths', async () => {
    // One that waits for its start is joined as well as one that runs.
    await ok(['create', '--bundle', make('first', () => {}), 'first'])
    const { pid } = await state('first')
    const links =
      'for n in user net pid mnt; do readlink /proc/self/ns/$n; done; cat /proc/1/status | grep ^Pid'
    const said = await run('second', links, ({ linux }) => {
      linux.uidMappings = undefined
      linux.gidMappings = undefined
      const joined = { user: 'user', network: 'net', pid: 'pid' }
      linux.namespaces = linux.namespaces.map(({ type }) => {
        const file = Object.entries(joined).find(([name]) => name === type)?.[1]
        return file === undefined ? { type } : { type, path: `/proc/${pid}/ns/${file}` }
      })
    })
    const link = async (name: string) =>
      (await world.command(['readlink', `/proc/${pid}/ns/${name}`])).stdout.trim()
    const [user, net, pidNamespace, mnt, first] = said.split('\n')
    expect([user, net, pidNamespace]).toEqual([await link('user'), await link('net'), await link('pid')])
    expect(mnt).not.toBe(await link('mnt'))
    expect(first).toBe('Pid:\t1')
    expect(await state('first')).toMatchObject({ status: 'created' })
  })

  it('are never the host’s own for want of a user namespace', async () => {
    const bundle = make('host', ({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'user')
      linux.uidMappings = undefined
      linux.gidMappings = undefined
    })
    expect((await oci(['create', '--bundle', bundle, 'host'])).stderr).toContain('has no user namespace')
  })

  it.each([
    ['/nonexistent', 'no such file'],
    ['/etc/passwd', 'not a network namespace'],
    ['/proc/self/ns/uts', 'not a network namespace'],
  ])('are not joined by %s', async (path, message) => {
    const bundle = make('wrong', ({ linux }) => {
      linux.namespaces = linux.namespaces.map(({ type }) => (type === 'network' ? { type, path } : { type }))
    })
    expect((await oci(['create', '--bundle', bundle, 'wrong'])).stderr).toContain(message)
  })
})

describe('what the specification leaves to the kernel', () => {
  it('has sysctls, time, propagation and a personality of its own', async () => {
    const script = [
      'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/domainname',
      "awk '{ print ($1 > 100000000) }' /proc/uptime",
      'awk \'$5 == "/" { print $7 }\' /proc/self/mountinfo | cut -d: -f1',
      'uname -m | cut -c1-4',
    ].join('; ')
    const said = await run('kernel', script, (config) => {
      const { linux } = config
      linux.sysctl = { 'net.ipv4.ip_forward': '1' }
      config.domainname = 'example'
      linux.namespaces.push({ type: 'time' })
      linux.timeOffsets = { boottime: { secs: 200000000 } }
      linux.rootfsPropagation = 'shared'
      linux.personality = { domain: process.arch === 'x64' ? 'LINUX32' : 'LINUX' }
    })
    expect(said.split('\n')).toEqual([
      '1',
      'example',
      '1',
      'shared',
      process.arch === 'x64' ? 'i686' : 'aarc',
    ])
  })

  it('maps subordinate ids by the helpers of the system', async () => {
    const range = async (file: string) => {
      const { stdout } = await world.command(['sh', '-c', `grep ^${world.env.USER}: ${file} | head -1`])
      return Number(stdout.split(':')[1])
    }
    const [uid, gid] = [await range('/etc/subuid'), await range('/etc/subgid')]
    const said = await run('ids', 'id -u; id -g; id -G; grep -c . /proc/self/uid_map', (config) => {
      const add = (id: number) => ({ containerID: 1, hostID: id, size: 1000 })
      config.linux.uidMappings = [{ containerID: 0, hostID: TEST_USER.uid, size: 1 }, add(uid)]
      config.linux.gidMappings = [{ containerID: 0, hostID: TEST_USER.gid, size: 1 }, add(gid)]
      config.process.user = { uid: 1000, gid: 29, additionalGids: [44] }
    })
    expect(said.split('\n')).toEqual(['1000', '29', '29 44', '2'])
  })

  it('refuses limits and identities that the caller may not give', async () => {
    const limit = make('limit', (config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 2 ** 64, hard: 2 ** 64 }]
    })
    expect((await oci(['create', '--bundle', limit, 'limit'])).stderr).toContain('cannot set RLIMIT_NOFILE')
    const groups = make('groups', (config) => {
      config.process.user.additionalGids = [29]
    })
    expect((await oci(['create', '--bundle', groups, 'groups'])).stderr).toContain('cannot set the groups')
  })

  it('passes over what it does not know, and over capabilities that there are not', async () => {
    const bundle = make('unknown', (config) => {
      config.unknown = { a: [1] }
      config.process.args = ['echo', 'done']
      config.process.capabilities = { bounding: ['CAP_FLY', 'CAP_KILL'] }
    })
    const { code, stdout, stderr } = await oci(['run', 'unknown'], { cwd: bundle })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' })
    expect(stderr).toContain('unknown capability "CAP_FLY" is left out')
  })

  it('deletes a container whose poststop hook fails', async () => {
    const bundle = make('poststop', (config) => {
      config.hooks = { poststop: [{ path: '/bin/false' }, { path: '/bin/true' }] }
    })
    await ok(['create', '--bundle', bundle, 'poststop'])
    expect(await oci(['delete', '--force', 'poststop'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Warning: cannot run poststop hook #0'),
    })
    expect(await oci(['state', 'poststop'])).toMatchObject({ code: 1 })
  })
})

describe('a terminal', () => {
  it('is served by run and exec where there is no socket for it', async () => {
    const bundle = make('tty', (config) => {
      config.process.terminal = true
      config.process.args = ['sh', '-c', 'tty; stty size; ls /dev/console; read x; echo "<$x>"; exit 6']
    })
    const terminal = openTerminal(world, `bryo oci-runtime run --bundle ${bundle} tty`)
    await terminal.said('/dev/console')
    terminal.write('typed\n')
    expect(await terminal.ended).toMatchObject({ code: 6 })
    expect(terminal.text()).toMatch(/^\/dev\/pts\/0\n24 80\n\/dev\/console\ntyped\n<typed>\n/)

    await ok(['create', '--bundle', make('plain', () => {}), 'plain'])
    await ok(['start', 'plain'])
    const added = openTerminal(world, 'bryo oci-runtime exec --tty plain sh -c "sleep 100 & tty; exit 3"')
    expect(await added.ended).toMatchObject({ code: 3 })
    expect(added.text()).toBe('/dev/pts/0\n')
  })
})

describe('exec', () => {
  it('adds processes with attributes of their own', async () => {
    const bundle = make('exec', (config) => {
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
      }
    })
    await ok(['create', '--bundle', bundle, 'exec'])
    await ok(['start', 'exec'])
    const script =
      'cat /proc/1/comm; pwd; echo $A; grep -E "^(CapEff|Seccomp:|NoNew)" /proc/self/status; exit 6'
    const ended = await oci([
      'exec',
      '--cwd',
      '/srv',
      '-e',
      'A=b',
      '--cap',
      'kill',
      'exec',
      'sh',
      '-c',
      script,
    ])
    expect(ended).toEqual({
      code: 6,
      stdout: 'sleep\n/srv\nb\nCapEff:\t0000000000000020\nNoNewPrivs:\t1\nSeccomp:\t2\n',
      stderr: '',
    })
    const file = join(world.work, 'process.json')
    writeFileSync(file, JSON.stringify({ args: ['sleep', '500'], env: ['PATH=/bin'], cwd: '/' }))
    const pidFile = join(world.work, 'exec.pid')
    await ok(['exec', '--process', file, '--pid-file', pidFile, '--detach', 'exec'])
    expect(readText(`/proc/${readText(pidFile)}/cmdline`)).toBe('sleep\u0000500\u0000')
    expect(JSON.parse(await ok(['ps', '--format', 'json', 'exec']))).toContain(Number(readText(pidFile)))
    expect((await oci(['exec', 'exec', 'nope'])).stderr).toContain('executable file not found')
  })

  it('is an error once the container has stopped', async () => {
    await ok(['create', '--bundle', make('over', () => {}), 'over'])
    await ok(['kill', 'over', 'KILL'])
    await stopped('over')
    expect((await oci(['exec', 'over', 'true'])).stderr).toContain('it is stopped, expected running')
  })
})

describe('bad input', () => {
  it.each([
    ['{', 'it is not JSON'],
    ['[]', 'its content is an array of 0, expected an object'],
    ['{"ociVersion":"9.0.0"}', 'expected 1.x'],
    ['{"ociVersion":"1.0.0","root":{"path":"/"}}', 'linux is missing'],
  ])('is told of: %s', async (text, message) => {
    const bundle = world.makeDirectory('bad')
    writeFileSync(join(bundle, 'config.json'), text)
    const ended = await oci(['create', '--bundle', bundle, 'bad'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).not.toContain('fault of bryo')
  })

  it('is a terminal without a socket, a bundle without a file, a directory as a file', async () => {
    const bundle = make('terminal', (config) => {
      config.process.terminal = true
    })
    expect((await oci(['create', '--bundle', bundle, 'x'])).stderr).toContain('--console-socket')
    const socket = ['--console-socket', join(world.work, 'none')]
    expect((await oci(['create', ...socket, '--bundle', bundle, 'x'])).stderr).toContain('console socket')
    expect((await oci(['create', '--bundle', '/nonexistent', 'x'])).stderr).toContain('cannot read')
    mkdirSync(join(world.makeDirectory('odd'), 'config.json'), { recursive: true })
    expect((await oci(['create', '--bundle', join(world.work, 'odd'), 'x'])).stderr).toContain('not a file')
    expect(existsSync(join(stateRoot, 'x'))).toBe(false)
  })
})
