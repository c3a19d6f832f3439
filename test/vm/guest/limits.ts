import { strict as assert } from 'node:assert'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cgroupOf, eventually, HAS_SESSION, read, sleep, type VmHost, type VmTest } from './support.ts'

const MEBIBYTE = 1024 * 1024
/** Writes into memory until it is stopped. */
const HOG = 'tail /dev/zero'

function usage(group: string): number {
  return Number(/^usage_usec (\d+)$/m.exec(read(`${group}/cpu.stat`))?.[1])
}

/** What part of a processor a container uses, measured over some seconds. */
function load(group: string, seconds: number): number {
  const [from, begin] = [usage(group), performance.now()]
  sleep(seconds)
  return (usage(group) - from) / ((performance.now() - begin) * 1000)
}

const MEASUREMENTS = 6

/** The load is within 10 % of what it should be. A machine that is held up itself while it measures does so again. */
function expectLoad(group: string, wanted: number): void {
  const found: number[] = []
  sleep(1)
  while (found.length < MEASUREMENTS) {
    const measured = load(group, 4)
    found.push(measured)
    console.log(`load, of ${wanted}:`, measured)
    if (Math.abs(measured - wanted) <= wanted / 10) return
  }
  assert.fail(`${found.join(', ')} of ${wanted}`)
}

function detached({ ok, image }: VmHost, flags: readonly string[], command: string): void {
  ok('run', '-d', '--network', 'none', '--name', 'it', ...flags, image, 'sh', '-c', command)
}

/** What control groups hold a container to. */
export const LIMIT_TESTS: readonly VmTest[] = [
  {
    name: 'a limit of memory stands in the control group, which is the root of its namespace',
    users: HAS_SESSION,
    run: (host) => {
      detached(host, ['-m', '64m', '--memory-reservation', '32m', '--cpu-shares', '2048'], 'sleep 600')
      const group = cgroupOf(host, 'it')
      assert.match(group, /bryo-[0-9a-f]{64}\.scope\/container$/)
      assert.equal(read(`${group}/memory.max`), String(64 * MEBIBYTE))
      assert.equal(read(`${group}/memory.low`), String(32 * MEBIBYTE))
      assert.equal(read(`${group}/memory.swap.max`), String(64 * MEBIBYTE))
      assert.equal(read(`${group}/cpu.weight`), '79')
      assert.equal(read(`${group}/pids.max`), '2048')
      assert.equal(host.ok('exec', 'it', 'cat', '/proc/self/cgroup'), '0::/')
      assert.equal(host.ok('exec', 'it', 'cat', '/sys/fs/cgroup/memory.max'), String(64 * MEBIBYTE))
      assert.equal(host.inspect('it', '{{.HostConfig.Memory}}'), String(64 * MEBIBYTE))
      assert.match(host.ok('stats', '--no-stream', '--format', '{{.MemUsage}}', 'it'), /\/ 6[47]/)
      console.log('memory.peak', read(`${group}/memory.peak`))
    },
  },
  {
    name: 'a container starts within the least memory that is taken',
    users: ['linger'],
    run: ({ ok, image }) => {
      assert.equal(ok('run', '--rm', '--network', 'none', '-m', '6m', image, 'echo', 'small'), 'small')
    },
  },
  {
    name: 'a memory hog is killed at its limit, and the container says OOM',
    users: HAS_SESSION,
    run: (host) => {
      detached(host, ['-m', '32m'], HOG)
      assert.equal(host.ok('wait', 'it'), '137')
      assert.equal(host.inspect('it', '{{.State.OOMKilled}} {{.State.ExitCode}}'), 'true 137')
      assert.match(host.ok('events', '--stream=false', '--filter', 'container=it'), /container oom/)
    },
  },
  {
    name: 'a memory hog in the foreground ends by SIGKILL, and leaves no unit',
    users: HAS_SESSION,
    run: ({ bryo, command, image }) => {
      const ended = bryo('run', '--rm', '--network', 'none', '-m', '32m', image, 'sh', '-c', HOG)
      assert.equal(ended.code, 137, ended.stderr)
      const units = ['systemctl', '--user', 'list-units', '--all', '--plain', '--no-legend', 'bryo-*']
      eventually('no unit', () => command(...units).stdout === '')
    },
  },
  {
    name: 'without a cgroup namespace a container sees its path, and without a control group it shares the one it came from',
    users: HAS_SESSION,
    run: (host) => {
      detached(host, ['--cgroupns', 'host'], 'sleep 600')
      assert.match(
        host.ok('exec', 'it', 'cat', '/proc/self/cgroup'),
        /\/bryo-[0-9a-f]{64}\.scope\/container$/,
      )
      assert.equal(host.ok('exec', 'it', 'cat', `${cgroupOf(host, 'it')}/pids.max`), '2048')
      assert.notEqual(host.bryo('exec', 'it', 'mkdir', '/sys/fs/cgroup/made').code, 0)
      host.ok('rm', '-f', 'it')
      detached(host, ['--cgroups', 'disabled'], 'sleep 600')
      assert.doesNotMatch(cgroupOf(host, 'it'), /bryo-[0-9a-f]{64}/)
      assert.equal(host.inspect('it', '{{.State.CgroupPath}}'), '')
      assert.match(host.bryo('pause', 'it').stderr, /no control group of its own/)
    },
  },
  {
    name: 'an end without want of memory does not say OOM',
    users: ['linger'],
    run: (host) => {
      detached(host, ['-m', '32m'], 'sleep 600')
      host.ok('kill', 'it')
      assert.equal(host.ok('wait', 'it'), '137')
      assert.equal(host.inspect('it', '{{.State.OOMKilled}}'), 'false')
    },
  },
  {
    name: 'a fork bomb stops at its limit of processes',
    users: HAS_SESSION,
    run: (host) => {
      // The shell that forks ends when it cannot; the first process forks nothing any more.
      const bomb = '(i=0; while [ $i -lt 100 ]; do sleep 600 & i=$((i + 1)); done); exec sleep 600'
      detached(host, ['--pids-limit', '20'], bomb)
      const group = cgroupOf(host, 'it')
      assert.equal(read(`${group}/pids.max`), '20')
      // RLIMIT_NPROC, which is the same, refuses the last one already, or this.
      eventually('as many as may be', () => Number(read(`${group}/pids.current`)) >= 18)
      assert.ok(Number(read(`${group}/pids.current`)) <= 20)
      assert.equal(host.inspect('it', '{{.State.Status}}'), 'running')
    },
  },
  {
    name: 'a limit of processes that is lowered holds for those that run',
    users: ['linger'],
    run: (host) => {
      detached(host, [], 'while sleep 1; do sleep 600 & done')
      const group = cgroupOf(host, 'it')
      host.ok('update', '--pids-limit', '6', 'it')
      eventually('the kernel refuses a process', () => {
        const events = host.command('cat', `${group}/pids.events`).stdout
        return events === '' || Number(/^max (\d+)$/m.exec(events)?.[1]) > 0
      })
    },
  },
  {
    name: 'a quota of processor time is met within 10 %, and changed while the container runs',
    users: ['linger'],
    run: (host) => {
      detached(host, ['--cpus', '0.3'], 'while :; do :; done')
      const group = cgroupOf(host, 'it')
      assert.equal(read(`${group}/cpu.max`), '30000 100000')
      expectLoad(group, 0.3)
      host.ok('update', '--cpus', '0.1', 'it')
      assert.equal(read(`${group}/cpu.max`), '10000 100000')
      expectLoad(group, 0.1)
    },
  },
  {
    name: 'processors and memory nodes are those that were asked for',
    users: ['linger'],
    run: ({ ok, image }) => {
      const flags = [
        '--cpuset-cpus',
        '1',
        '--cpuset-mems',
        '0',
        '--cpu-period',
        '50000',
        '--cpu-quota',
        '20000',
      ]
      const status = ok(
        'run',
        '--rm',
        '--network',
        'none',
        ...flags,
        image,
        'sh',
        '-c',
        'cat /proc/self/status /sys/fs/cgroup/cpu.max',
      )
      assert.match(status, /Cpus_allowed_list:\s+1$/m)
      assert.match(status, /^20000 50000$/m)
    },
  },
  {
    name: 'limits of a block device hold',
    users: ['linger'],
    run: (host) => {
      const flags = [
        '--device-write-bps',
        '/dev/vda:1mb',
        '--device-read-bps',
        '/dev/vda:2mb',
        '--device-read-iops',
        '/dev/vda:100',
        '--device-write-iops',
        '/dev/vda:200',
        '--blkio-weight',
        '500',
        '-v',
        `${process.env.HOME}:/data`,
      ]
      const bryo = () =>
        detached(
          host,
          flags,
          'dd if=/dev/zero of=/data/written bs=64k count=128 conv=fsync 2>/dev/null; sleep 600',
        )
      bryo()
      const group = cgroupOf(host, 'it')
      assert.match(read(`${group}/io.max`), / rbps=2097152 wbps=1048576 riops=100 wiops=200$/)
      const written = () => Number(/wbytes=(\d+)/.exec(read(`${group}/io.stat`))?.[1] ?? 0)
      // Late readings make it only slower than it is.
      const begin = performance.now()
      const before = written()
      eventually('all is written', () => written() >= 7.9 * MEBIBYTE, 60)
      const seconds = (performance.now() - begin) / 1000
      const rate = (8 * MEBIBYTE - before) / MEBIBYTE / seconds
      console.log('MiB per second, of 1:', rate)
      assert.ok(rate < 1.5, `${rate} MiB/s, after ${before} bytes`)
    },
  },
  {
    name: 'limits change while a container runs, and stay with it',
    users: HAS_SESSION,
    run: (host) => {
      detached(host, ['-m', '64m'], 'sleep 600')
      const group = cgroupOf(host, 'it')
      host.ok('update', '-m', '96m', '--memory-swap', '96m', '--pids-limit', '30', 'it')
      assert.equal(read(`${group}/memory.max`), String(96 * MEBIBYTE))
      assert.equal(read(`${group}/memory.swap.max`), '0')
      assert.equal(read(`${group}/pids.max`), '30')
      const refused = host.bryo('update', '-m', '1m', 'it')
      assert.match(refused.stderr, /at least 6 MB/)
      assert.equal(read(`${group}/memory.max`), String(96 * MEBIBYTE))
      host.ok('restart', '--time', '0', 'it')
      assert.equal(read(`${cgroupOf(host, 'it')}/memory.max`), String(96 * MEBIBYTE))
    },
  },
  {
    name: 'a limit of 0 takes one away, at once and for good',
    users: ['linger'],
    run: (host) => {
      detached(host, ['-m', '64m', '--cpus', '0.5', '--cpu-shares', '2048'], 'sleep 600')
      host.ok('update', '-m', '0', '--cpus', '0', '--cpu-shares', '0', 'it')
      const expectNone = (group: string) => {
        const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.weight']
        assert.deepEqual(
          files.map((file) => read(`${group}/${file}`)),
          ['max', 'max', 'max 100000', '100'],
        )
      }
      expectNone(cgroupOf(host, 'it'))
      assert.equal(host.inspect('it', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}'), '0 0')
      host.ok('restart', '--time', '0', 'it')
      expectNone(cgroupOf(host, 'it'))
    },
  },
  {
    name: 'after su, the runtime directory of another user does not hide the own one',
    users: HAS_SESSION,
    run: ({ command, image }) => {
      const program = ['bryo', 'run', '--rm', '--network', 'none', '-m', '64m', image]
      const ended = command('env', 'XDG_RUNTIME_DIR=/run', ...program, 'cat', '/sys/fs/cgroup/memory.max')
      assert.equal(ended.stdout.trim(), String(64 * MEBIBYTE), ended.stderr)
    },
  },
  {
    name: 'files of the control group are written as they are asked for, and a slice holds the scope',
    users: ['linger'],
    run: (host) => {
      detached(host, ['--cgroup-conf', 'memory.high=50000000', '--cgroup-parent', 'tests.slice'], 'sleep 600')
      const group = cgroupOf(host, 'it')
      assert.match(group, /\/tests\.slice\/bryo-/)
      assert.equal(read(`${group}/memory.high`), String(Math.floor(50_000_000 / 4096) * 4096))
    },
  },
  {
    name: 'the control group goes with the container',
    users: HAS_SESSION,
    run: (host) => {
      detached(host, ['-m', '64m'], 'sleep 600')
      const group = cgroupOf(host, 'it')
      host.ok('rm', '-f', 'it')
      eventually('no group', () => host.command('test', '-d', group).code !== 0)
      const units = () =>
        host.command('systemctl', '--user', 'list-units', '--all', '--plain', '--no-legend', 'bryo-*').stdout
      eventually('no unit', () => units() === '')
    },
  },
  {
    name: 'without a session, limits say what is missing',
    users: ['plain'],
    run: ({ bryo, ok, image }) => {
      const refused = bryo('run', '--rm', '-m', '64m', image, 'true')
      assert.equal(refused.code, 125)
      assert.match(refused.stderr, /cannot make a control group for the container: no systemd of yours/)
      assert.match(refused.stderr, /loginctl enable-linger/)
      assert.equal(ok('ps', '-aq'), '')
      assert.match(bryo('run', '--rm', '--cgroup-parent', 'x.slice', image, 'true').stderr, /a slice/)
    },
  },
  {
    name: 'a container with limits of its processes alone needs no session',
    users: ['plain'],
    run: ({ ok, image }) => {
      assert.equal(
        ok('run', '--rm', '--network', 'none', '--pids-limit', '50', image, 'sh', '-c', 'ulimit -u'),
        '50',
      )
    },
  },
  {
    name: 'a controller that is not delegated is named, with the remedy, and nothing is left',
    users: ['linger'],
    run: ({ bryo, image, ok }) => {
      // Below a group that hands nothing down.
      const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? ''
      const parent = `${dirname(own)}/poor/poorer`
      mkdirSync(`/sys/fs/cgroup${parent}`, { recursive: true })
      try {
        const refused = bryo(
          'run',
          '--rm',
          '--network',
          'none',
          '-m',
          '64m',
          '--cgroup-parent',
          parent,
          image,
          'true',
        )
        assert.equal(refused.code, 125)
        assert.match(
          refused.stderr,
          /cannot set --memory: the cgroup controller "memory" is not delegated to you/,
        )
        assert.match(refused.stderr, /delegate\.conf/)
        assert.deepEqual(
          readdirSync(`/sys/fs/cgroup${parent}`).filter((name) => name.startsWith('bryo')),
          [],
        )
        assert.equal(ok('ps', '-aq'), '')
        const served = [
          'run',
          '--rm',
          '--network',
          'none',
          '--cgroup-parent',
          parent,
          image,
          'echo',
          'grouped',
        ]
        assert.equal(ok(...served), 'grouped')
        assert.deepEqual(
          readdirSync(`/sys/fs/cgroup${parent}`).filter((name) => name.startsWith('bryo')),
          [],
        )
      } finally {
        rmdirSync(`/sys/fs/cgroup${parent}`)
        rmdirSync(`/sys/fs/cgroup${dirname(parent)}`)
      }
    },
  },
  {
    name: 'without systemd, a delegated group holds the container',
    users: ['linger'],
    run: ({ command, image }) => {
      const ended = command(
        ...['systemd-run', '--user', '--wait', '--pipe', '--collect', '--quiet', '-p', 'Delegate=yes'],
        ...[
          'env',
          'XDG_RUNTIME_DIR=/nonexistent',
          'bryo',
          'run',
          '--rm',
          '--network',
          'none',
          '-m',
          '64m',
          image,
        ],
        ...['cat', '/sys/fs/cgroup/memory.max'],
      )
      assert.equal(ended.stdout.trim(), String(64 * MEBIBYTE), ended.stderr)
    },
  },
  {
    name: 'a systemd that does not answer is named, and nothing is left',
    users: ['linger'],
    run: ({ command, image, ok }) => {
      const directory = mkdtempSync(join(tmpdir(), 'silent-'))
      writeFileSync(join(directory, 'bus'), '')
      const program = ['bryo', 'run', '--rm', '--network', 'none', '-m', '64m', image, 'true']
      const refused = command('env', `XDG_RUNTIME_DIR=${directory}`, ...program)
      assert.equal(refused.code, 125)
      assert.match(refused.stderr, /cannot call StartTransientUnit of your systemd: /)
      assert.equal(ok('ps', '-aq'), '')
      rmSync(directory, { recursive: true })
    },
  },
  {
    name: 'a service whose control group is its own has limits in it, without a session',
    users: ['service'],
    run: (host) => {
      detached(host, ['-m', '64m', '--cpus', '0.5'], 'sleep 600')
      const group = cgroupOf(host, 'it')
      assert.match(group, /\.service\/bryo-[0-9a-f]{64}$/)
      assert.equal(read(`${group}/memory.max`), String(64 * MEBIBYTE))
      assert.equal(read(`${group}/cpu.max`), '50000 100000')
      host.ok('pause', 'it')
      host.ok('unpause', 'it')
      host.ok('rm', '-f', 'it')
      assert.equal(host.command('test', '-d', group).code, 1)
      detached(host, ['-m', '32m'], HOG)
      assert.equal(host.ok('wait', 'it'), '137')
      assert.equal(host.inspect('it', '{{.State.OOMKilled}}'), 'true')
    },
  },
  {
    name: '--cgroups split divides the group of a service',
    users: ['linger'],
    run: ({ command, image }) => {
      const ended = command(
        ...['systemd-run', '--user', '--wait', '--pipe', '--collect', '--quiet', '-p', 'Delegate=yes'],
        ...['bryo', 'run', '--rm', '--network', 'none', '--cgroups', 'split', '-m', '64m', image],
        ...['sh', '-c', 'cat /sys/fs/cgroup/memory.max'],
      )
      assert.equal(ended.stdout.trim(), String(64 * MEBIBYTE), ended.stderr)
    },
  },
  {
    name: '--cgroups split gives each container of a service a group of its own',
    users: ['linger'],
    run: ({ command, image }) => {
      const run = `bryo run -d --network none --cgroups split`
      const script = `
        ${run} -m 64m --name it ${image} sleep 600 >/dev/null && ${run} -m 32m --name other ${image} sleep 600 >/dev/null
        bryo exec it cat /sys/fs/cgroup/memory.max
        bryo rm -f other >/dev/null
        bryo exec it true && echo runs
        bryo rm -f it >/dev/null`
      const service = [
        'systemd-run',
        '--user',
        '--wait',
        '--pipe',
        '--collect',
        '--quiet',
        '-p',
        'Delegate=yes',
      ]
      const ended = command(...service, 'sh', '-c', script)
      assert.equal(ended.stdout, `${64 * MEBIBYTE}\nruns\n`, ended.stderr)
    },
  },
  {
    name: 'limits that make no sense are refused',
    users: ['linger'],
    run: ({ bryo, image, ok }) => {
      for (const [flags, expected] of [
        [['-m', '1m'], /at least 6 MB/],
        [['-m', '900g'], /this host has/],
        [['--cpus', '64'], /as many as this host has/],
        [['--cpuset-cpus', '7'], /no 7/],
        [['--memory-swap', '1g'], /without --memory/],
        [['-m', '-5'], /size/],
        [['--cgroups', 'disabled', '-m', '64m'], /conflicting/],
        [['--device-read-bps', '/dev/null:1m'], /no block device/],
      ] as const) {
        const ended = bryo('run', '--rm', ...flags, image, 'true')
        assert.equal(ended.code, 125, flags.join(' '))
        assert.match(ended.stderr, expected)
      }
      assert.equal(ok('ps', '-aq'), '')
    },
  },
]
