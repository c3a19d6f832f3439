import { strict as assert } from 'node:assert'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { eventually, HAS_SESSION, read, type VmHost, type VmTest } from './support.ts'

const UNIT = 'served'
/** A script that ends when it is asked to; the first process of a container does so only with a handler. */
const untilTerm = (before: string) => `trap 'exit 0' TERM; ${before} sleep 600 & wait`

/** The host's programs, for an image that has none to write to a unix socket: by their loader, as their libraries lie elsewhere. */
const HOST_PROGRAMS = ['-v', '/usr:/host:ro']
const LIBRARIES = '/host/lib/x86_64-linux-gnu'
const NOTIFY = `${LIBRARIES}/ld-linux-x86-64.so.2 --library-path ${LIBRARIES}:${LIBRARIES}/systemd /host/bin/systemd-notify --ready`

/** A unit of type notify that is ready, has the monitor for its main process, and ends with its container. */
function serve(host: VmHost, mode: string, flags: readonly string[], before = ''): void {
  const { command, inspect } = host
  const properties = ['-p', 'Type=notify', '-p', 'NotifyAccess=all']
  const started = command(
    ...['systemd-run', '--user', '--quiet', '--collect', '--unit', UNIT, ...properties],
    ...['bryo', 'run', '--rm', '-d', '--network', 'none', '--sdnotify', mode, '--name', 'it', ...flags],
    ...[host.image, 'sh', '-c', untilTerm(before)],
  )
  try {
    assert.equal(started.code, 0, started.stderr)
    const show = (property: string) =>
      command('systemctl', '--user', 'show', '-P', property, UNIT).stdout.trim()
    assert.equal(show('ActiveState'), 'active')
    assert.equal(show('MainPID'), inspect('it', '{{.State.ConmonPid}}'))
  } finally {
    command('systemctl', '--user', 'stop', UNIT)
  }
  eventually('it is gone', () => host.ok('ps', '-aq') === '')
}

/** With the real systemd and journald. */
export const SERVICE_TESTS: readonly VmTest[] = [
  {
    name: 'systemd boots as the first process of a container, and shuts down when that is stopped',
    users: ['linger'],
    run: ({ ok, bryo, command, inspect }) => {
      ok('run', '-d', '--name', 'booted', '--network', 'none', ...systemdRoot(command), '/sbin/init')
      const state = () => bryo('exec', 'booted', 'systemctl', 'is-system-running').stdout.trim()
      // Units for hardware, and for users that the root has not, may fail.
      eventually('it has booted', () => ['running', 'degraded'].includes(state()), 240)
      assert.match(ok('exec', 'booted', 'cat', '/proc/1/cgroup'), /\/init\.scope$/)
      const limit = bryo('exec', 'booted', 'sh', '-c', 'echo max >/sys/fs/cgroup/pids.max')
      assert.notEqual(limit.code, 0, 'it may change its own limit')
      ok('stop', '--time', '90', 'booted')
      assert.notEqual(inspect('booted', '{{.State.ExitCode}}'), '137')
    },
  },
  {
    name: 'the journal takes the output, and logs reads it back',
    users: ['linger', 'guest', 'plain'],
    run: ({ ok, bryo, image, command }) => {
      const script = 'echo to the journal; echo an error >&2; echo last'
      ok(
        'run',
        '-d',
        '--network',
        'none',
        '--name',
        'it',
        '--log-driver',
        'journald',
        image,
        'sh',
        '-c',
        script,
      )
      ok('wait', 'it')
      eventually('both lines', () => ok('logs', 'it') === 'to the journal\nlast')
      assert.equal(bryo('logs', 'it').stderr, 'an error\n')
      // Of two pipes, either may have been read last.
      const { stdout, stderr } = bryo('logs', '--tail', '1', 'it')
      assert.match(`${stdout}${stderr}`, /^(?:last|an error)\n$/)
      const id = ok('inspect', '--format', '{{.Id}}', 'it')
      assert.match(command('journalctl', '-o', 'cat', `CONTAINER_ID_FULL=${id}`).stdout, /to the journal/)
    },
  },
  {
    name: 'a service of type notify is ready at once with --sdnotify conmon, and stops with its container',
    users: HAS_SESSION,
    run: (host) => serve(host, 'conmon', []),
  },
  {
    name: 'with --sdnotify container, when the container says so',
    users: ['linger'],
    run: (host) => serve(host, 'container', HOST_PROGRAMS, `sleep 2; ${NOTIFY};`),
  },
  {
    name: 'with --sdnotify healthy, when its health check has passed',
    users: ['linger'],
    run: (host) => {
      const check = ['--health-cmd=test -e /tmp/well', '--health-interval=5s', '--health-retries=100']
      serve(host, 'healthy', check, 'sleep 2; touch /tmp/well;')
    },
  },
  {
    name: 'with --sdnotify ignore, the container knows of no service, and is in none',
    users: ['linger'],
    run: ({ command, image, ok }) => {
      const program = [
        'bryo',
        'run',
        '-d',
        '--network',
        'none',
        '--sdnotify',
        'ignore',
        '--name',
        'it',
        image,
      ]
      const ended = command(
        ...['systemd-run', '--user', '--quiet', '--wait', '--pipe', '--collect', '-p', 'NotifyAccess=all'],
        ...[...program, 'sh', '-c', 'echo "<$NOTIFY_SOCKET>"; exec sleep 600'],
      )
      assert.equal(ended.code, 0, ended.stderr)
      eventually('what it has', () => ok('logs', 'it') === '<>')
      assert.equal(ok('ps', '--format', '{{.Names}}'), 'it')
    },
  },
  {
    name: 'a service whose container ends by a fault starts anew, and leaves nothing when it is stopped',
    users: ['linger'],
    run: ({ command, image, ok, bryo }) => {
      const policy = ['Type=exec', 'Restart=on-failure', 'KillMode=mixed'].flatMap((each) => ['-p', each])
      const program = [
        'bryo',
        'run',
        '--rm',
        '--network',
        'none',
        '--name',
        'it',
        image,
        'sh',
        '-c',
        untilTerm(''),
      ]
      const run = ['systemd-run', '--user', '--quiet', '--collect', '--unit', UNIT, ...policy]
      const started = command(...run, ...program)
      assert.equal(started.code, 0, started.stderr)
      const id = () => bryo('inspect', '--format', '{{if .State.Running}}{{.Id}}{{end}}', 'it').stdout.trim()
      try {
        eventually('it runs', () => id() !== '')
        const first = id()
        ok('kill', 'it')
        eventually('another one runs', () => id() !== '' && id() !== first)
      } finally {
        command('systemctl', '--user', 'stop', UNIT)
      }
      assert.equal(ok('ps', '-aq'), '')
    },
  },
  {
    name: 'a container in the background outlives the service that started it, with its network; its scope ends it',
    users: HAS_SESSION,
    run: ({ command, image, inspect }) => {
      // Nothing in it ends when it is asked to: the monitor kills it in the end.
      const program = ['bryo', 'run', '-d', '--stop-timeout', '1', '--name', 'it', image, 'sleep', '600']
      const started = command('systemd-run', '--user', '--quiet', '--wait', '--pipe', '--collect', ...program)
      assert.equal(started.code, 0, started.stderr)
      const scope = `bryo-${inspect('it', '{{.Id}}')}.scope`
      const helper = command('pgrep', '-u', String(process.getuid?.()), '-x', 'slirp4netns').stdout.trim()
      assert.match(helper, /^\d+$/)
      assert.match(read(`/proc/${helper}/cgroup`), new RegExp(`/${scope}/supervisor$`))
      const stopped = command('systemctl', '--user', 'stop', scope)
      assert.equal(stopped.code, 0, stopped.stderr)
      eventually(
        'it has ended',
        () => inspect('it', '{{.State.Status}} {{.State.ExitCode}}') === 'exited 137',
      )
      eventually('so has its network', () => !existsSync(`/proc/${helper}`))
    },
  },
  {
    name: 'a scope that is stopped gives the container its stop signal alone, its time, and its network to the last',
    users: HAS_SESSION,
    run: ({ command, image, inspect, ok }) => {
      const workload = [
        'trap "sleep 1; ip address show tap0 | grep -c 10.0.2; exit 7" USR1',
        'trap "exit 8" TERM',
        'while :; do sleep 0.1; done',
      ]
      const flags = ['--network', 'slirp4netns', '--stop-signal', 'USR1', '--stop-timeout', '60']
      ok('run', '-d', ...flags, '--name', 'it', image, 'sh', '-c', workload.join('; '))
      const scope = `bryo-${inspect('it', '{{.Id}}')}.scope`
      const time = command('systemctl', '--user', 'show', '-P', 'TimeoutStopUSec', scope)
      assert.equal(time.stdout.trim(), '1min 15s')
      const stopped = command('systemctl', '--user', 'stop', scope)
      assert.equal(stopped.code, 0, stopped.stderr)
      eventually('it has ended', () => inspect('it', '{{.State.Status}}') === 'exited')
      assert.equal(inspect('it', '{{.State.ExitCode}}'), '7')
      assert.equal(ok('logs', 'it'), '1')
    },
  },
  {
    name: 'without a monitor in it, a scope that is stopped gives all of its processes the stop signal',
    users: ['linger'],
    run: ({ command, image, inspect, ok }) => {
      const workload = 'trap "exit 7" USR1; trap "exit 8" TERM; while :; do sleep 0.1; done'
      const flags = ['--network', 'none', '--cgroups', 'no-conmon', '--stop-signal', 'USR1']
      ok('run', '-d', ...flags, '--name', 'it', image, 'sh', '-c', workload)
      const stopped = command('systemctl', '--user', 'stop', `bryo-${inspect('it', '{{.Id}}')}.scope`)
      assert.equal(stopped.code, 0, stopped.stderr)
      eventually('it has ended', () => inspect('it', '{{.State.Status}} {{.State.ExitCode}}') === 'exited 7')
    },
  },
  {
    name: 'run -d warns where the container would end at logout',
    users: ['linger', 'guest', 'plain'],
    run: ({ bryo, image, user }) => {
      const { stderr, code } = bryo('run', '-d', '--network', 'none', image, 'sleep', '600')
      assert.equal(code, 0, stderr)
      // Without a session the container is in no group that would end with one.
      if (user === 'guest') assert.match(stderr, /loginctl enable-linger guest/)
      else assert.doesNotMatch(stderr, /linger/)
    },
  },
]

/** Options for a root that shows this machine's programs, with as much of a configuration as systemd needs. */
function systemdRoot(command: VmHost['command']): readonly string[] {
  const root = join(homedir(), 'systemd-root')
  const script = `
    mkdir -p ${root}/usr ${root}/etc ${root}/var/log ${root}/root
    for name in bin sbin lib lib64; do ln -sfn usr/$name ${root}/$name; done
    cp /etc/passwd /etc/group /etc/ld.so.cache /etc/os-release ${root}/etc`
  const made = command('sh', '-c', script)
  assert.equal(made.code, 0, made.stderr)
  return ['--volume', '/usr:/usr:ro', '--rootfs', `${root}:O`]
}
