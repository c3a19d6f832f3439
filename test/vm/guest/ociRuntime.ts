import { strict as assert } from 'node:assert'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Ended, eventually, HAS_SESSION, read, Skipped, type VmHost, type VmTest } from './support.ts'

const MEBIBYTE = 1024 * 1024
const RUNTIME = join(homedir(), 'bryo-oci')

const groupOfPid = (pid: string | number) =>
  `/sys/fs/cgroup${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''}`

/** The runtime under its own name, a link to the installed program. */
function runtimePath(): string {
  if (!existsSync(RUNTIME)) symlinkSync('/opt/bryo/bin/bryo', RUNTIME)
  return RUNTIME
}

interface Podman {
  readonly call: (...args: readonly string[]) => Ended
  /** Must succeed; gives its trimmed output. */
  readonly ok: (...args: readonly string[]) => string
}

/** Podman with the image of the tests; whatever it has of containers goes in the end. */
function withPodman(
  { command, ok, image, user }: VmHost,
  flags: readonly string[],
  use: (podman: Podman) => void,
) {
  if (!existsSync('/usr/bin/podman')) throw new Skipped('there is no podman')
  const global = ['--storage-driver', 'vfs', '--events-backend', 'file', ...flags]
  // What su leaves of the other user's session is none of this one's.
  const environment = user === 'plain' ? ['env', '-u', 'XDG_RUNTIME_DIR'] : []
  const call = (...args: readonly string[]) =>
    command(...environment, 'podman', '--runtime', runtimePath(), ...global, ...args)
  const succeed = (...args: readonly string[]) => {
    const ended = call(...args)
    assert.equal(ended.code, 0, `podman ${args.join(' ')}: exit ${ended.code}\n${ended.stderr}`)
    return ended.stdout.trim()
  }
  if (call('image', 'exists', image).code !== 0) {
    const archive = join(mkdtempSync(join(tmpdir(), 'podman-')), 'image.tar')
    ok('save', '--output', archive, image)
    succeed('load', '--quiet', '--input', archive)
  }
  try {
    use({ call, ok: succeed })
  } finally {
    call('rm', '--all', '--force', '--time', '0')
  }
}

interface Oci {
  readonly call: (...args: readonly string[]) => Ended
  readonly ok: (...args: readonly string[]) => string
  readonly state: () => { readonly status: string; readonly pid: number }
}

interface BundleChanges {
  /** Before the command. */
  readonly flags?: readonly string[]
  readonly linux?: object
  readonly process?: object
}

/** The container `box` of a bundle with these changes; it is deleted in the end. */
function withBundle({ command }: VmHost, changes: BundleChanges, use: (oci: Oci) => void) {
  const { flags = [], linux, process } = changes
  const bundle = mkdtempSync(join(homedir(), 'bundle-'))
  mkdirSync(join(bundle, 'rootfs/bin'), { recursive: true })
  // A container of the runtime holds the output of who created it, so that goes to a file.
  const call = (...args: readonly string[]) => {
    const script = 'cd "$1"; shift; "$@" </dev/null >out 2>err; code=$?; cat err >&2; cat out; exit $code'
    return command('sh', '-c', script, 'sh', bundle, runtimePath(), ...flags, ...args)
  }
  const ok = (...args: readonly string[]) => {
    const ended = call(...args)
    assert.equal(ended.code, 0, `bryo-oci ${args.join(' ')}: exit ${ended.code}\n${ended.stderr}`)
    return ended.stdout.trim()
  }
  assert.equal(command('cp', '/bin/busybox', join(bundle, 'rootfs/bin')).code, 0)
  ok('spec', '--rootless')
  const config = JSON.parse(read(join(bundle, 'config.json')))
  Object.assign(config.process, { terminal: false, args: ['/bin/busybox', 'sh', '-c', LOOP] }, process)
  Object.assign(config.linux, linux)
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  try {
    use({ call, ok, state: () => JSON.parse(ok('state', 'box')) })
  } finally {
    call('delete', '--force', 'box')
  }
}

/** Processes that leave their parent's session. */
const LOOP = 'B=/bin/busybox; ($B setsid $B sleep 5711 &); ($B sleep 5712 &); $B sleep 5713'

/** The OCI runtime, on its own and under Podman. */
export const OCI_TESTS: readonly VmTest[] = [
  {
    name: 'podman holds a container of bryo-oci to its limits, changes them, pauses it and leaves nothing',
    users: ['linger'],
    run: (host) =>
      withPodman(host, ['--cgroup-manager', 'systemd'], (podman) => {
        const limits = ['-m', '64m', '--memory-swap', '64m', '--pids-limit', '50', '--cpus', '0.5']
        podman.ok('run', '-d', '--name', 'it', '--network', 'none', ...limits, host.image, 'sleep', '600')
        const group = groupOfPid(podman.ok('inspect', '--format', '{{.State.Pid}}', 'it'))
        assert.match(group, /\/user\.slice\/libpod-[0-9a-f]{64}\.scope\/container$/)
        assert.equal(read(`${group}/memory.max`), String(64 * MEBIBYTE))
        assert.equal(read(`${group}/memory.swap.max`), '0')
        assert.equal(read(`${group}/pids.max`), '50')
        assert.equal(read(`${group}/cpu.max`), '50000 100000')
        assert.equal(podman.ok('exec', 'it', 'cat', '/proc/self/cgroup'), '0::/')
        assert.equal(podman.ok('exec', 'it', 'cat', '/sys/fs/cgroup/memory.max'), String(64 * MEBIBYTE))
        podman.ok('update', '--memory', '96m', 'it')
        assert.equal(read(`${group}/memory.max`), String(96 * MEBIBYTE))
        podman.ok('pause', 'it')
        assert.equal(read(`${group}/cgroup.freeze`), '1')
        assert.equal(podman.ok('inspect', '--format', '{{.State.Status}}', 'it'), 'paused')
        podman.ok('unpause', 'it')
        assert.equal(read(`${group}/cgroup.freeze`), '0')
        podman.ok('rm', '--force', '--time', '0', 'it')
        eventually('no scope', () => !existsSync(dirname(group)))
      }),
  },
  {
    name: 'the kernel ends what exceeds the memory of a container of bryo-oci under podman, and nothing else',
    users: ['linger'],
    run: (host) =>
      withPodman(host, ['--cgroup-manager', 'systemd'], (podman) => {
        podman.ok(
          ...['run', '-d', '--name', 'it', '--network', 'none', '-m', '32m', '--memory-swap', '32m'],
          ...[host.image, 'sh', '-c', 'tail /dev/zero; sleep 600'],
        )
        const group = groupOfPid(podman.ok('inspect', '--format', '{{.State.Pid}}', 'it'))
        eventually('an end for want of memory', () => /^oom_kill 1$/m.test(read(`${group}/memory.events`)))
        assert.equal(podman.ok('inspect', '--format', '{{.State.Status}}', 'it'), 'running')
      }),
  },
  {
    name: 'podman ends every process of a container of bryo-oci that shares the pids of the host',
    users: ['linger'],
    run: (host) =>
      withPodman(host, ['--cgroup-manager', 'systemd'], (podman) => {
        const script = '(setsid sleep 6711 &); (sh -c "(sleep 6712 &)" &); sleep 6713'
        podman.ok(
          ...['run', '-d', '--name', 'it', '--network', 'none', '--pid', 'host', host.image, 'sh', '-c'],
          script,
        )
        const sleepers = () => host.command('pgrep', '-f', 'sleep 671').stdout
        eventually('three sleep', () => sleepers().trim().split('\n').length >= 3)
        podman.ok('rm', '--force', '--time', '0', 'it')
        eventually('none sleeps', () => sleepers() === '')
      }),
  },
  {
    name: 'podman runs a container of bryo-oci where no control group can be had',
    users: ['plain'],
    run: (host) =>
      withPodman(host, ['--cgroup-manager', 'cgroupfs'], (podman) => {
        assert.equal(podman.ok('run', '--rm', '--network', 'none', host.image, 'echo', 'hi'), 'hi')
      }),
  },
  {
    name: 'a path names a group below what is delegated; pause, resume, update, events, kill and delete work by it',
    users: ['linger'],
    run: (host) =>
      withBundle(
        host,
        {
          linux: {
            cgroupsPath: 'engine/box',
            resources: {
              devices: [{ allow: false, access: 'rwm' }],
              memory: { limit: 64 * MEBIBYTE },
              cpu: { shares: 2048, quota: 50_000, period: 200_000 },
              unified: { 'memory.high': String(60 * MEBIBYTE) },
            },
          },
        },
        (oci) => {
          oci.ok('create', 'box')
          const { pid, status } = oci.state()
          const group = groupOfPid(pid)
          assert.match(group, /\/engine\/box$/)
          assert.equal(status, 'created')
          assert.equal(read(`${group}/memory.max`), String(64 * MEBIBYTE))
          assert.equal(read(`${group}/memory.high`), String(60 * MEBIBYTE))
          assert.equal(read(`${group}/cpu.max`), '50000 200000')
          assert.equal(read(`${group}/cpu.weight`), '79')
          oci.ok('start', 'box')
          eventually('all run', () => JSON.parse(oci.ok('ps', '--format', 'json', 'box')).length >= 3)
          oci.ok('pause', 'box')
          assert.equal(oci.state().status, 'paused')
          assert.match(read(`${group}/cgroup.events`), /^frozen 1$/m)
          assert.match(oci.call('exec', 'box', '/bin/busybox', 'true').stderr, /it is paused/)
          assert.match(oci.call('pause', 'box').stderr, /it is paused, expected running/)
          oci.ok('resume', 'box')
          assert.equal(oci.state().status, 'running')
          assert.equal(oci.ok('exec', 'box', '/bin/busybox', 'cat', '/proc/self/cgroup'), '0::/')
          oci.ok('update', '--memory', '96m', '--cpu-quota', '30000', 'box')
          assert.equal(read(`${group}/memory.max`), String(96 * MEBIBYTE))
          assert.equal(read(`${group}/cpu.max`), '30000 200000')
          const { data } = JSON.parse(oci.ok('events', '--stats', 'box'))
          assert.equal(data.memory.usage.limit, 96 * MEBIBYTE)
          assert.ok(data.memory.usage.usage > 0 && data.cpu.usage.total > 0)
          const second = oci.call('create', 'second')
          assert.match(second.stderr, /it has processes, expected none/)
          oci.ok('kill', '--all', 'box', 'KILL')
          eventually('none sleeps', () => host.command('pgrep', '-f', 'sleep 571').stdout === '')
          eventually('stopped', () => oci.state().status === 'stopped')
          oci.ok('delete', 'box')
          assert.equal(existsSync(group), false)
        },
      ),
  },
  {
    name: 'a service whose group is delegated to it holds a container to limits there',
    users: ['service'],
    run: (host) =>
      withBundle(host, { linux: { resources: { memory: { limit: 64 * MEBIBYTE } } } }, (oci) => {
        oci.ok('create', 'box')
        const group = groupOfPid(oci.state().pid)
        assert.match(group, /\.service\/bryo-oci-box$/)
        assert.equal(read(`${group}/memory.max`), String(64 * MEBIBYTE))
        oci.ok('delete', '--force', 'box')
        assert.equal(existsSync(group), false)
      }),
  },
  {
    name: '--systemd-cgroup makes a scope in a slice, and what is paused can be deleted',
    users: HAS_SESSION,
    run: (host) =>
      withBundle(
        host,
        {
          flags: ['--systemd-cgroup'],
          linux: { cgroupsPath: 'tests.slice:oci:box', resources: { pids: { limit: 30 } } },
        },
        (oci) => {
          oci.ok('create', 'box')
          const group = groupOfPid(oci.state().pid)
          assert.match(group, /\/tests\.slice\/oci-box\.scope\/container$/)
          assert.equal(read(`${group}/pids.max`), '30')
          oci.ok('start', 'box')
          oci.ok('pause', 'box')
          oci.ok('delete', '--force', 'box')
          eventually('no scope', () => !existsSync(dirname(group)))
        },
      ),
  },
  {
    name: 'a path that names no scope is refused with --systemd-cgroup, and so is a limit without its controller',
    users: ['linger'],
    run: (host) => {
      withBundle(host, { flags: ['--systemd-cgroup'], linux: { cgroupsPath: '/box' } }, (oci) => {
        assert.match(oci.call('create', 'box').stderr, /expected SLICE:PREFIX:NAME/)
      })
      const resources = { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }
      withBundle(host, { linux: { resources } }, (oci) => {
        assert.match(
          oci.call('create', 'box').stderr,
          /cannot set linux\.resources\.hugepageLimits: the cgroup controller "hugetlb" is not delegated/,
        )
        assert.equal(oci.ok('list', '--quiet'), '')
      })
    },
  },
  {
    name: 'without a group of the caller’s own a limit of processes is left out, another is an error',
    users: ['plain'],
    run: (host) => {
      withBundle(host, { linux: { resources: { pids: { limit: 50 } } } }, (oci) => {
        const { code, stderr } = oci.call('create', 'box')
        assert.equal(code, 0, stderr)
        assert.match(stderr, /Warning: the limits of container "box" are left out/)
      })
      withBundle(host, { linux: { resources: { memory: { limit: 64 * MEBIBYTE } } } }, (oci) => {
        assert.match(oci.call('create', 'box').stderr, /Error: cannot make the control group "bryo-oci-box"/)
      })
    },
  },
  {
    name: 'an AppArmor profile that root has loaded confines a container',
    users: ['linger'],
    run: (host) => {
      if (!existsSync('/sbin/apparmor_parser')) throw new Skipped('there is no apparmor_parser')
      const flags = ['--network', 'none', '--security-opt', 'apparmor=bryo-test']
      const script = 'cat /proc/self/attr/current; echo x >/tmp/other && ! echo x >/tmp/forbidden'
      const { code, stdout, stderr } = host.bryo('run', '--rm', ...flags, host.image, 'sh', '-c', script)
      assert.equal(code, 0, stderr)
      assert.equal(stdout.trim(), 'bryo-test (enforce)')
      assert.match(stderr, /Permission denied/)
      host.ok('run', '-d', '--name', 'it', ...flags, host.image, 'sleep', '600')
      assert.equal(host.ok('exec', 'it', 'cat', '/proc/self/attr/current'), 'bryo-test (enforce)')
      const security = host.bryo('security', 'it')
      assert.match(security.stdout, /security-module.*bryo-test/, security.stdout)
      const unknown = host.bryo('run', '--rm', '--security-opt', 'apparmor=none-such', host.image, 'true')
      assert.notEqual(unknown.code, 0)
      assert.match(unknown.stderr, /none-such|apparmor/i)
      console.log(unknown.stderr, security.stdout)
      withBundle(host, { process: { apparmorProfile: 'bryo-test' } }, (oci) => {
        oci.ok('create', 'box')
        oci.ok('start', 'box')
        const current = [
          'exec',
          'box',
          '/bin/busybox',
          'cat',
          '/proc/1/attr/current',
          '/proc/self/attr/current',
        ]
        assert.equal(oci.ok(...current), 'bryo-test (enforce)\nbryo-test (enforce)')
      })
    },
  },
]
