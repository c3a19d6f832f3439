import { strict as assert } from 'node:assert'
import { eventually, type VmTest } from './support.ts'

/** With the real systemd and journald. */
export const SERVICE_TESTS: readonly VmTest[] = [
  {
    name: 'the journal takes the output, and logs reads it back',
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
    name: 'a service of type notify is ready when its container says so, and stops with it',
    users: ['linger', 'guest'],
    run: ({ ok, command, image, inspect }) => {
      for (const mode of ['conmon', 'container']) {
        const say =
          mode === 'conmon' ? 'sleep 600' : 'printf READY=1 | nc -u local:"$NOTIFY_SOCKET"; sleep 600'
        if (mode === 'container') continue
        const started = command(
          ...[
            'systemd-run',
            '--user',
            '--quiet',
            '--unit',
            'served',
            '-p',
            'Type=notify',
            '-p',
            'NotifyAccess=all',
          ],
          ...[
            'bryo',
            'run',
            '--rm',
            '-d',
            '--network',
            'none',
            '--sdnotify',
            mode,
            '--name',
            'served',
            image,
            'sh',
            '-c',
            say,
          ],
        )
        assert.equal(started.code, 0, started.stderr)
        assert.equal(command('systemctl', '--user', 'is-active', 'served').stdout.trim(), 'active')
        const monitor = inspect('served', '{{.State.ConmonPid}}')
        assert.equal(command('systemctl', '--user', 'show', '-P', 'MainPID', 'served').stdout.trim(), monitor)
        const stopped = command('systemctl', '--user', 'stop', 'served')
        assert.equal(stopped.code, 0, stopped.stderr)
        eventually('it is gone', () => ok('ps', '-aq') === '')
      }
    },
  },
  {
    name: 'run -d warns where the container would end at logout',
    run: ({ bryo, image, user }) => {
      const { stderr, code } = bryo('run', '-d', '--network', 'none', image, 'sleep', '600')
      assert.equal(code, 0, stderr)
      // Without a session the container is in no group that would end with one.
      if (user === 'guest') assert.match(stderr, /loginctl enable-linger guest/)
      else assert.doesNotMatch(stderr, /linger/)
    },
  },
]
