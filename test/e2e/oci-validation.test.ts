import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { bundlesOf, type Config, readText } from './support/bundle.ts'
import { TEST_USER } from './support/user.ts'
import { give, openWorld } from './support/world.ts'

// What the validation programs of opencontainers/runtime-tools assert and oci-runtime.test.ts does not, as far as it can hold without root.

const world = await openWorld({ image: false })
const { make, oci, ok, run, state } = bundlesOf(world)

afterEach(async () => {
  for (const id of (await ok(['list', '--quiet'])).split('\n'))
    if (id !== '') await ok(['delete', '--force', id])
})

async function stopped(id: string): Promise<void> {
  for (let left = 1000; (await state(id)).status !== 'stopped'; left--) {
    if (left === 0) throw new Error(`${id} does not stop`)
    await setTimeout(10)
  }
}

/** Namespaces of a process, by the names of their files. */
async function namespacesOf(pid: number | string): Promise<Readonly<Record<string, string>>> {
  const script = `cd /proc/${pid}/ns && for n in *; do echo "$n $(readlink $n)"; done`
  const { stdout } = await world.command(['sh', '-c', script])
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  )
}

/** Without what only a namespace of the container's own allows. */
function shareAll(config: Config): void {
  const { linux } = config
  linux.namespaces = [{ type: 'mount' }, { type: 'user' }]
  config.hostname = undefined
  config.mounts = config.mounts.map((mount) =>
    mount.destination === '/proc' ? { destination: '/proc', source: '/proc', options: ['rbind'] } : mount,
  )
}

describe('linux_ns_itype, linux_ns_nopath: a namespace', () => {
  const FILES = { pid: 'pid', ipc: 'ipc', uts: 'uts', network: 'net', cgroup: 'cgroup' }

  it('that is not listed is the caller’s', async () => {
    await ok(['create', '--bundle', make('inherit', shareAll), 'inherit'])
    const [own, host] = [await namespacesOf((await state('inherit')).pid), await namespacesOf('self')]
    for (const file of Object.values(FILES)) expect(own[file], file).toBe(host[file])
    expect(own.mnt).not.toBe(host.mnt)
    expect(own.user).not.toBe(host.user)
  })

  it('that is listed without a path is a new one', async () => {
    const bundle = make('new', ({ linux }) => {
      linux.namespaces.push({ type: 'cgroup' }, { type: 'time' })
    })
    await ok(['create', '--bundle', bundle, 'new'])
    const [own, host] = [await namespacesOf((await state('new')).pid), await namespacesOf('self')]
    for (const file of [...Object.values(FILES), 'time']) expect(own[file], file).not.toBe(host[file])
  })
})

describe('linux_ns_path: namespaces of each type', () => {
  it('are those of the path', async () => {
    const types = { user: 'user', network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup' }
    const add = ({ linux }: Config) => linux.namespaces.push({ type: 'cgroup' })
    await ok(['create', '--bundle', make('owner', add), 'owner'])
    const { pid } = await state('owner')
    const script = `for n in ${Object.values(types).join(' ')}; do readlink /proc/self/ns/$n; done`
    const said = await run('joins', script, ({ linux }) => {
      linux.uidMappings = undefined
      linux.gidMappings = undefined
      const joined = Object.entries(types).map(([type, file]) => ({ type, path: `/proc/${pid}/ns/${file}` }))
      linux.namespaces = [...joined, { type: 'mount' }]
    })
    const theirs = await namespacesOf(pid)
    expect(said.split('\n')).toEqual(Object.values(types).map((file) => theirs[file]))
  })
})

describe('linux_rootfs_propagation: the root', () => {
  const SHOWN = { shared: 'shared:', slave: 'master:', private: '-', unbindable: 'unbindable' }

  it.each(Object.entries(SHOWN))('is %s', async (propagation, shown) => {
    const script = 'awk \'$5 == "/" { print $7 }\' /proc/self/mountinfo'
    const said = await run(`propagation-${propagation}`, script, ({ linux }) => {
      linux.rootfsPropagation = propagation
    })
    // A slave of nobody is private: nothing of the host is a peer of the root here.
    expect(said).toMatch(new RegExp(`^(?:${shown}|${propagation === 'slave' ? '-' : shown})`))
  })
})

describe('linux_masked_paths, linux_readonly_paths', () => {
  /** Files, directories and named pipes in others that are named as well. */
  async function volume(name: string): Promise<readonly string[]> {
    const directory = world.makeDirectory(`${name}/vol`)
    mkdirSync(join(directory, 'dir/sub'), { recursive: true })
    for (const file of ['file', 'dir/file', 'dir/sub/file']) writeFileSync(join(directory, file), 'secrets')
    await world.command(['mkfifo', join(directory, 'pipe')])
    give(join(world.work, name))
    const paths = ['dir', 'file', 'dir/sub', 'dir/file', 'dir/sub/file', 'pipe', 'nonexistent']
    return paths.map((path) => `/data/${path}`)
  }
  const mount = (config: Config) => {
    config.root.readonly = false
    config.mounts.push({ destination: '/data', source: 'vol', options: ['rbind', 'rw'] })
  }

  it('hide files, directories and pipes, also in one another', async () => {
    const maskedPaths = await volume('masked')
    const script = 'cd /data; ls -A dir | wc -l; wc -c < file; wc -c < pipe; ls -A; echo x > dir/x || echo no'
    const said = await run('masked', `(${script}) 2>/dev/null`, (config) => {
      mount(config)
      config.linux.maskedPaths = maskedPaths
    })
    expect(said.split('\n')).toEqual(['0', '0', '0', 'dir', 'file', 'pipe', 'no'])
  })

  it('protect files and directories, also in one another', async () => {
    const readonlyPaths = await volume('protected')
    const script = [
      'cd /data; for f in file dir/file dir/sub/file dir/new dir/sub/new; do echo x > $f && echo $f; done',
      'touch pipe && echo pipe; cat dir/sub/file; echo x > other && echo other',
    ].join('; ')
    const said = await run('protected', `(${script}) 2>/dev/null`, (config) => {
      mount(config)
      config.linux.readonlyPaths = readonlyPaths
    })
    expect(said.split('\n')).toEqual(['secretsother'])
  })

  it.each(['maskedPaths', 'readonlyPaths'])('%s that are relative are refused', async (key) => {
    const bundle = make('relative', ({ linux }) => {
      linux[key] = ['relative']
    })
    expect((await oci(['create', '--bundle', bundle, 'relative'])).stderr).toContain(
      'expected an absolute path',
    )
  })
})

describe('hooks, hooks_stdin, prestart, poststart, poststop', () => {
  const output = join(world.work, 'hooks')
  const note = (text: string) => ({
    path: '/bin/sh',
    args: ['sh', '-c', `{ echo "${text} $A $(readlink /proc/self/ns/net)"; cat; echo; } >> ${output}`],
    env: ['A=b', 'PATH=/bin:/usr/bin'],
  })

  it('are called in the listed order, with their environment, in their namespaces, with the state', async () => {
    const bundle = make('listed', (config) => {
      const kinds = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop']
      config.hooks = Object.fromEntries(kinds.map((kind) => [kind, [note(`${kind}1`), note(`${kind}2`)]]))
      config.annotations = { 'org.example': 'hooks' }
    })
    await ok(['create', '--bundle', bundle, 'listed'])
    const { pid } = await state('listed')
    const own = (await namespacesOf(pid)).net
    const host = (await namespacesOf('self')).net
    expect(readText(output)).not.toContain('poststart')
    await ok(['start', 'listed'])
    // Before start returns, and while the program runs.
    expect(readText(output)).toContain('poststart2')
    expect(readText(output)).not.toContain('poststop')
    await ok(['kill', 'listed', 'KILL'])
    await stopped('listed')
    await ok(['delete', 'listed'])
    const lines = readText(output).trim().split('\n')
    expect(lines.filter((_, index) => index % 2 === 0)).toEqual([
      ...[
        `prestart1 b ${host}`,
        `prestart2 b ${host}`,
        `createRuntime1 b ${host}`,
        `createRuntime2 b ${host}`,
      ],
      ...[`createContainer1 b ${own}`, `createContainer2 b ${own}`, `poststart1 b ${host}`],
      ...[`poststart2 b ${host}`, `poststop1 b ${host}`, `poststop2 b ${host}`],
    ])
    const statuses = ['created', 'creating', 'creating', 'running', 'stopped'].flatMap((one) => [one, one])
    lines
      .filter((_, index) => index % 2 === 1)
      .forEach((text, index) => {
        const status = statuses[index]
        expect(JSON.parse(text)).toEqual({
          ...{ ociVersion: '1.2.0', id: 'listed', bundle, annotations: { 'org.example': 'hooks' } },
          ...{ status, pid: status === 'stopped' ? 0 : pid },
        })
      })
  })

  it('of the container’s start run as its program would, before it', async () => {
    const said = await run('starts', 'cat /tmp/said; echo program', (config) => {
      const script = 'echo "hook $(id -u) $(hostname)" > /tmp/said'
      config.hooks = { startContainer: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/bin'] }] }
    })
    expect(said).toBe('hook 0 box\nprogram')
  })
})

describe('process, process_capabilities, process_rlimits, process_user', () => {
  it('has arguments and environment as they were given', async () => {
    const bundle = make('given', ({ process }) => {
      process.args = ['sh', '-c', 'tr "\\0" "|" < /proc/self/cmdline; env | sort', '', 'two words']
      process.env = ['PATH=/bin', 'testa=valuea', 'testb=a=b', 'HOME=/somewhere', 'EMPTY=']
    })
    const said = await ok(['run', '--bundle', bundle, 'given'])
    expect(said).toContain('EMPTY=\nHOME=/somewhere\n')
    expect(said).toMatch(/^testa=valuea\ntestb=a=b$/m)
    expect(said).not.toContain('XDG_RUNTIME_DIR')
    await ok(['create', '--bundle', bundle, 'given'])
    await ok(['kill', 'given', 'KILL'])
  })

  it('has all five sets of capabilities', async () => {
    const said = await run('sets', 'grep ^Cap /proc/self/status', ({ process }) => {
      const names = ['CAP_CHOWN', 'CAP_KILL', 'CAP_SETUID']
      process.capabilities = {
        bounding: names,
        permitted: names,
        effective: names.slice(0, 2),
        inheritable: names.slice(0, 2),
        ambient: names.slice(0, 1),
      }
    })
    // The kernel gives what is ambient and inheritable to the program, and root its bounding set.
    expect(said.split('\n')).toEqual([
      'CapInh:\t0000000000000021',
      expect.any(String),
      expect.any(String),
      'CapBnd:\t00000000000000a1',
      'CapAmb:\t0000000000000001',
    ])
  })

  it('has each limit that there is', async () => {
    const said = await run('rlimits', 'cat /proc/self/limits', ({ process }) => {
      const names = ['CORE', 'CPU', 'MSGQUEUE', 'NOFILE']
      process.rlimits = names.map((name, index) => ({
        type: `RLIMIT_${name}`,
        soft: 100 + index,
        hard: 200 + index,
      }))
    })
    expect(said).toMatch(/^Max core file size +100 +200 /m)
    expect(said).toMatch(/^Max cpu time +101 +201 /m)
    expect(said).toMatch(/^Max msgqueue size +102 +202 /m)
    expect(said).toMatch(/^Max open files +103 +203 /m)
  })
})

describe('root_readonly, hostname, mounts', () => {
  it('leave the root writable where nothing else is said', async () => {
    const root = world.makeDirectory('writable-root')
    await world.command(['cp', '-a', `${world.rootfs}/.`, root])
    const said = await run('writable', 'echo x > /written; cat /written; hostname', (config) => {
      config.root = { path: root, readonly: false }
      config.hostname = undefined
    })
    expect(said).toBe(`x\n${readText('/proc/sys/kernel/hostname').trim()}`)
  })

  it('are made in their order, with their options, over one another', async () => {
    const tmpfs = (destination: string, ...options: string[]) => ({
      ...{ destination, type: 'tmpfs', source: 'of-mine', options },
    })
    const said = await run('ordered', 'grep -E " /(m|m/[^ ]*) " /proc/self/mounts; ls /m', (config) => {
      config.root.readonly = false
      config.root.path = world.makeDirectory('ordered-root')
      config.mounts.push(
        { destination: '/bin', source: join(world.rootfs, 'bin'), options: ['bind', 'ro'] },
        tmpfs('/m', 'nosuid', 'strictatime', 'mode=755', 'size=64k'),
        tmpfs('/m/below', 'nodev', 'noexec', 'ro'),
        tmpfs('/m/hidden'),
      )
    })
    const lines = said.split('\n')
    expect(lines[0]).toMatch(/^of-mine \/m tmpfs rw,nosuid,.*size=64k,mode=755/)
    expect(lines[1]).toMatch(/^of-mine \/m\/below tmpfs ro,nodev,noexec/)
    expect(lines.slice(-2)).toEqual(['below', 'hidden'])
  })

  it('take what is mounted below along, and protect it where that is asked for', async () => {
    const below = readText('/proc/self/mounts')
      .split('\n')
      .filter((line) => /^\S+ \/dev\//.test(line))
    const flags = async (option: string) => {
      const script = 'awk \'$5 ~ "^/all/" { print substr($6, 1, 2) }\' /proc/self/mountinfo'
      const said = await run(`recursive-${option}`, script, (config) => {
        config.root.readonly = false
        config.root.path = world.makeDirectory(`recursive-root-${option}`)
        const bin = { destination: '/bin', source: join(world.rootfs, 'bin'), options: ['rbind'] }
        config.mounts.push(bin, { destination: '/all', source: '/dev', options: ['rbind', option] })
      })
      return said.split('\n').filter((line) => line !== '')
    }
    expect(await flags('rro')).toEqual(below.map(() => 'ro'))
    expect(await flags('ro')).toEqual(below.map((line) => line.split(' ')[3]?.slice(0, 2)))
  })
})

describe('linux_devices, default', () => {
  it('has the links and devices of the specification, and those that are listed', async () => {
    const script = [
      'cd /dev; for l in fd stdin stdout stderr ptmx; do readlink $l; done',
      'for d in null zero full random urandom tty; do stat -c "%n %F %t:%T" $d; done',
      'stat -c "%F %a" pipe',
    ].join('; ')
    const said = await run('listed', script, (config) => {
      config.linux.devices = [
        { type: 'p', path: '/dev/pipe', fileMode: 0o640 },
        { type: 'c', path: '/dev/null', major: 1, minor: 3, fileMode: 0o666, uid: 0, gid: 0 },
      ]
    })
    const lines = said.split('\n')
    expect(lines.slice(0, 5)).toEqual([
      ...['/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2', 'pts/ptmx'],
    ])
    const numbers = { null: '1:3', zero: '1:5', full: '1:7', random: '1:8', urandom: '1:9', tty: '5:0' }
    expect(lines.slice(5, 11)).toEqual(
      Object.entries(numbers).map(([name, number]) => `${name} character special file ${number}`),
    )
    expect(lines[11]).toBe('fifo 640')
  })
})

describe('linux_uid_mappings, linux_gid_mappings, linux_sysctl, linux_seccomp', () => {
  it('gives a named pipe its owner, who has to be mapped', async () => {
    const said = await run('owned', 'stat -c "%u:%g %a" /dev/pipe', (config) => {
      config.linux.devices = [{ type: 'p', path: '/dev/pipe', fileMode: 0o600, uid: 0, gid: 0 }]
    })
    expect(said).toBe('0:0 600')
    const bundle = make('foreign-pipe', (config) => {
      config.linux.devices = [{ type: 'p', path: '/dev/pipe', uid: 77 }]
    })
    expect((await oci(['create', '--bundle', bundle, 'foreign-pipe'])).stderr).toContain('add the devices')
  })

  it('has the maps that were asked for', async () => {
    const said = await run('maps', "awk '{ print $1, $2, $3 }' /proc/self/uid_map /proc/self/gid_map")
    expect(said.split('\n')).toEqual([`0 ${TEST_USER.uid} 1`, `0 ${TEST_USER.gid} 1`])
  })

  it('sets parameters of the kernel that are the container’s, and no others', async () => {
    const said = await run(
      'sysctls',
      'cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/msgmax',
      (config) => {
        config.linux.sysctl = { 'net.ipv4.ip_local_port_range': '2000 3000', 'kernel.msgmax': '4096' }
      },
    )
    expect(said.split(/\s+/)).toEqual(['2000', '3000', '4096'])
    const bundle = make('host-sysctl', (config) => {
      config.linux.sysctl = { 'vm.swappiness': '1' }
    })
    expect((await oci(['create', '--bundle', bundle, 'host-sysctl'])).stderr).toContain("it is the host's")
  })

  it('refuses a system call with the error that was asked for', async () => {
    const said = await run('refused', 'mkdir /tmp/d 2>&1; chmod 700 /tmp 2>&1; echo went on', (config) => {
      const syscalls = [
        { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
        { names: ['chmod', 'fchmod', 'fchmodat'], action: 'SCMP_ACT_ERRNO' },
      ]
      config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', syscalls }
    })
    expect(said).toContain('No space left on device')
    expect(said).toContain('Operation not permitted\nwent on')
  })
})

describe('start, state, kill, killsig, kill_no_effect, create, delete', () => {
  it('is an error without an id, and has no effect', async () => {
    for (const command of ['create', 'start', 'state', 'kill', 'delete']) {
      expect((await oci([command])).stderr, command).toContain('requires at least 1 arg(s)')
    }
  })

  it('cannot start what has no process, which ends with that', async () => {
    const bundle = make('empty', (config) => {
      Object.assign(config, { process: undefined })
    })
    await ok(['create', '--bundle', bundle, 'empty'])
    expect(await state('empty')).toMatchObject({ status: 'created', ociVersion: '1.2.0', bundle })
    expect((await oci(['start', 'empty'])).stderr).toBe(
      'Error: cannot start the container: its configuration has no process\n',
    )
    await stopped('empty')
    await ok(['delete', 'empty'])
    expect((await oci(['run', '--bundle', bundle, 'empty'])).code).toBe(1)
  })

  it('starts once: another start has no effect, whatever has become of the container', async () => {
    const root = world.makeDirectory('once-root')
    const bundle = make('once', (config) => {
      config.root = { path: root, readonly: false }
      config.mounts.push({ destination: '/bin', source: join(world.rootfs, 'bin'), options: ['rbind'] })
      config.process.args = ['sh', '-c', 'echo called >> /output']
    })
    await ok(['create', '--bundle', bundle, 'once'])
    expect(existsSync(join(root, 'output'))).toBe(false)
    await ok(['start', 'once'])
    await stopped('once')
    expect((await oci(['start', 'once'])).code).toBe(1)
    expect(readText(join(root, 'output'))).toBe('called\n')
  })

  it.each(['TERM', 'USR1', 'USR2', 'HUP'])('delivers %s and no other signal', async (signal) => {
    const bundle = make('signalled', ({ process }) => {
      const traps = ['TERM', 'USR1', 'USR2', 'HUP'].map((name) => `trap 'echo ${name}; exit' ${name}`)
      process.args = ['sh', '-c', `${traps.join('; ')}; echo ready; while :; do sleep 0.1; done`]
    })
    const creator = world.start(['oci-runtime', 'create', '--bundle', bundle, 'signalled'])
    creator.endInput()
    for (let left = 1000; (await oci(['start', 'signalled'])).code !== 0; left--) {
      if (left === 0) throw new Error('it does not start')
    }
    await creator.said('ready')
    await ok(['kill', 'signalled', signal])
    await creator.said(signal)
    await stopped('signalled')
    expect((await oci(['kill', 'signalled', signal])).code).toBe(1)
  })

  it('deletes what creation has made, nothing else, and the id is free again', async () => {
    const bundle = make('free', () => {})
    const before = [readdirSync(bundle), readdirSync(world.rootfs)]
    for (let round = 0; round < 2; round++) {
      await ok(['create', '--bundle', bundle, 'free'])
      await ok(['kill', 'free', 'KILL'])
      await stopped('free')
      await ok(['delete', 'free'])
    }
    expect([readdirSync(bundle), readdirSync(world.rootfs)]).toEqual(before)
  })
})

describe('misc_props', () => {
  it('passes over annotations and properties that it does not know', async () => {
    const said = await run('props', 'echo ran', (config) => {
      config.annotations = { 'org.example.unknown': '' }
      config.unknown = 'unknown'
      config.linux.unknown = [{ a: 1 }]
      config.process.unknown = null
    })
    expect(said).toBe('ran')
  })
})
