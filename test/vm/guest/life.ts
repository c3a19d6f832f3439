import { strict as assert } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { cgroupOf, eventually, HAS_SESSION, read, type VmTest, type VmUser } from './support.ts'

const ALL: readonly VmUser[] = ['linger', 'guest', 'plain', 'service']
/** A process whose parents are gone, and one that leads a session of its own. */
const DOUBLE_FORK = '(setsid sleep 4711 &) ; (sh -c "(sleep 4712 &)" &) ; sleep 4713'

/** Processes whose command line names one of these sleeps. */
function sleepers(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
        return /^sleep 471\d/.test(line) ? [line] : []
      } catch {
        return []
      }
    })
}

/** That containers run here at all, stand still, and end. */
export const LIFE_TESTS: readonly VmTest[] = [
  {
    name: 'run prints what the container prints',
    run: ({ ok, image }) => {
      assert.equal(ok('run', '--rm', image, 'sh', '-c', 'echo $((40 + 2))'), '42')
    },
  },
  {
    name: 'doctor finds no error',
    run: ({ bryo }) => {
      const ended = bryo('doctor')
      console.log(ended.stdout)
      assert.equal(ended.code, 0)
    },
  },
  {
    name: 'pause stops all processes, unpause lets them go on',
    users: HAS_SESSION,
    run: (host) => {
      const { ok, image } = host
      ok('run', '-d', '--network', 'none', '--name', 'it', image, 'sh', '-c', 'while :; do :; done')
      const group = cgroupOf(host, 'it')
      const usage = () => /^usage_usec (\d+)$/m.exec(read(`${group}/cpu.stat`))?.[1]
      ok('pause', 'it')
      assert.equal(host.inspect('it', '{{.State.Status}} {{.State.Paused}}'), 'paused true')
      const before = usage()
      assert.match(host.bryo('exec', 'it', 'true').stderr, /paused/)
      assert.equal(usage(), before)
      assert.match(host.bryo('pause', 'it').stderr, /it is paused, expected running/)
      ok('unpause', 'it')
      assert.equal(host.inspect('it', '{{.State.Status}}'), 'running')
      ok('commit', '--pause', 'it', 'committed')
      assert.equal(host.inspect('it', '{{.State.Status}}'), 'running')
      eventually('it runs', () => usage() !== before)
    },
  },
  {
    name: 'a paused container is stopped, killed and removed',
    users: ['linger'],
    run: ({ ok, image, inspect }) => {
      const start = () => ok('run', '-d', '--network', 'none', '--name', 'it', image, 'sleep', '600')
      start()
      ok('pause', 'it')
      ok('stop', '--time', '1', 'it')
      assert.equal(inspect('it', '{{.State.Status}}'), 'exited')
      ok('rm', 'it')
      start()
      ok('pause', 'it')
      ok('kill', 'it')
      ok('wait', 'it')
      ok('rm', 'it')
      start()
      ok('pause', 'it')
      ok('rm', '-f', 'it')
    },
  },
  {
    name: 'a paused container whose scope is stopped ends as it is asked to',
    users: ['linger'],
    run: ({ ok, command, image, inspect }) => {
      const workload = 'trap "exit 7" TERM; while :; do sleep 0.1; done'
      ok(
        'run',
        '-d',
        '--network',
        'none',
        '--stop-timeout',
        '60',
        '--name',
        'it',
        image,
        'sh',
        '-c',
        workload,
      )
      ok('pause', 'it')
      const stopped = command('systemctl', '--user', 'stop', `bryo-${inspect('it', '{{.Id}}')}.scope`)
      assert.equal(stopped.code, 0, stopped.stderr)
      eventually('it has ended', () => inspect('it', '{{.State.Status}} {{.State.ExitCode}}') === 'exited 7')
    },
  },
  {
    name: 'what was paused when its monitor was killed starts again',
    users: ['linger', 'service'],
    run: (host) => {
      const { ok, command, image, inspect } = host
      ok('run', '-d', '--network', 'none', '-m', '64m', '--name', 'it', image, 'sleep', '600')
      ok('pause', 'it')
      command('kill', '-9', inspect('it', '{{.State.ConmonPid}}'))
      eventually('it has ended', () => inspect('it', '{{.State.Status}}') === 'exited')
      ok('start', 'it')
      assert.equal(read(`${cgroupOf(host, 'it')}/cgroup.freeze`), '0')
      assert.equal(ok('exec', 'it', 'echo', 'runs'), 'runs')
    },
  },
  {
    name: 'without a pid namespace, what has left the mount namespace ends with the container',
    users: HAS_SESSION,
    run: ({ ok, image }) => {
      // Where Landlock has no scopes, it lets such a container mount nothing.
      const security = ['--security-opt', 'seccomp=unconfined', '--security-opt', 'landlock=off']
      const flags = ['--pid', 'host', '--cap-add', 'SYS_ADMIN', ...security]
      const workload = 'unshare -m setsid sleep 4711 & sleep 4713'
      ok('run', '-d', '--network', 'none', '--name', 'it', ...flags, image, 'sh', '-c', workload)
      eventually('two sleep', () => sleepers().length === 2)
      ok('kill', 'it')
      eventually('nobody sleeps', () => sleepers().length === 0)
    },
  },
  {
    name: 'without a control group, pause says why it cannot',
    users: ['plain'],
    run: ({ ok, bryo, image }) => {
      ok('run', '-d', '--network', 'none', '--name', 'it', image, 'sleep', '600')
      assert.match(bryo('pause', 'it').stderr, /no control group of its own/)
    },
  },
  ...(['stop', 'kill', 'rm'] as const).map((verb) => ({
    name: `${verb} leaves no process, even where the workload forks twice`,
    users: ALL,
    run: ({ ok, image }: Parameters<VmTest['run']>[0]) => {
      ok('run', '-d', '--network', 'none', '--name', 'it', image, 'sh', '-c', DOUBLE_FORK)
      eventually('three sleep', () => sleepers().length === 3)
      if (verb === 'stop') ok('stop', '--time', '1', 'it')
      else if (verb === 'kill') ok('kill', 'it')
      else ok('rm', '-f', 'it')
      eventually('nobody sleeps', () => sleepers().length === 0)
    },
  })),
  {
    name: 'exec joins the control group, from whatever group it is called',
    users: HAS_SESSION,
    run: (host) => {
      const { ok, image } = host
      for (const userns of [[], ['--userns', 'auto:size=1000']]) {
        ok('run', '-d', '--network', 'none', '--name', 'it', ...userns, image, 'sleep', '600')
        const group = cgroupOf(host, 'it')
        ok('exec', '-d', 'it', 'sh', '-c', 'exec sleep 601 >/dev/null 2>&1')
        eventually('two in the group', () => read(`${group}/cgroup.procs`).split('\n').length === 2)
        ok('rm', '-f', 'it')
      }
    },
  },
  {
    name: 'a restart policy starts it anew in a group of its own',
    users: ['linger'],
    run: (host) => {
      const { ok, image, inspect } = host
      ok(
        'run',
        '-d',
        '--network',
        'none',
        '--restart',
        'always',
        '-m',
        '64m',
        '--name',
        'it',
        image,
        'sleep',
        '600',
      )
      const first = inspect('it', '{{.State.Pid}}')
      host.command('kill', '-9', first)
      eventually('another one', () => !['0', first].includes(inspect('it', '{{.State.Pid}}')))
      assert.equal(read(`${cgroupOf(host, 'it')}/memory.max`), String(64 * 1024 * 1024))
    },
  },
]
