import { describe, expect, it } from 'vitest'
import { offer } from '../../src/cli/completion/complete.ts'
import { findFlag } from '../../src/cli/flags/find.ts'
import { foldFlags } from '../../src/cli/flags/fold.ts'
import { scanFlags } from '../../src/cli/flags/scan.ts'
import { CREATE_COMMAND_FLAGS, RUN_FLAGS } from '../../src/cli/options/create.ts'
import { EXEC_FLAGS } from '../../src/cli/options/life.ts'

/** Options of `podman run` up to version 5. */
const RUN =
  `add-host annotation arch attach authfile blkio-weight blkio-weight-device cap-add cap-drop cert-dir
  cgroup-conf cgroup-parent cgroupns cgroups chrootdirs cidfile conmon-pidfile cpu-period cpu-quota cpu-rt-period
  cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems creds decryption-key detach detach-keys device
  device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust dns
  dns-opt dns-option dns-search entrypoint env env-file env-host env-merge expose gidmap gpus group-add group-entry
  health-cmd health-interval health-log-destination health-max-log-count health-max-log-size health-on-failure
  health-retries health-start-period health-startup-cmd health-startup-interval health-startup-retries
  health-startup-success health-startup-timeout health-timeout hostname hosts-file hostuser http-proxy image-volume
  init init-path interactive ip ip6 ipc kernel-memory label label-file log-driver log-opt mac-address memory
  memory-reservation memory-swap memory-swappiness mount name net network network-alias no-healthcheck no-hostname
  no-hosts oom-kill-disable oom-score-adj os passwd passwd-entry personality pidfile pids-limit platform pod
  pod-id-file preserve-fd preserve-fds privileged publish publish-all pull quiet rdt-class read-only read-only-tmpfs
  replace requires restart retry retry-delay rm rmi rootfs sdnotify seccomp-policy secret security-opt shm-size
  shm-size-systemd sig-proxy signature-policy stop-signal stop-timeout subgidname subuidname sysctl systemd timeout
  tls-verify tmpfs tty tz uidmap ulimit umask unsetenv unsetenv-all user userns uts variant volume volumes-from
  workdir`.split(/\s+/)
/** What belongs to a start. */
const RUN_ALONE = ['detach', 'detach-keys', 'preserve-fd', 'preserve-fds', 'rmi', 'sig-proxy']
const EXEC =
  `cidfile detach detach-keys env env-file interactive latest no-session preserve-fd preserve-fds privileged
  tty user wait workdir`.split(/\s+/)

describe("Podman's options", () => {
  it.each([
    ['run', RUN, RUN_FLAGS],
    ['create', ['init-ctr', ...RUN.filter((name) => !RUN_ALONE.includes(name))], CREATE_COMMAND_FLAGS],
    ['exec', EXEC, EXEC_FLAGS],
  ])('are known to %s', (_, names, flags) => {
    expect(names.filter((name) => findFlag(flags, name) === undefined)).toEqual([])
  })

  const parse = (...argv: readonly string[]) => {
    const scan = scanFlags([...argv, 'image'], { flags: RUN_FLAGS, interspersed: false, hint: 'hint' })
    return foldFlags(RUN_FLAGS, scan.occurrences, 'hint')
  }

  it.each([
    [['--cpu-rt-period', '1'], 'cannot use --cpu-rt-period: cgroup v2 has no real-time limits'],
    [['--device-cgroup-rule=a *:* rwm'], 'cannot use --device-cgroup-rule: rules for devices need root'],
    [['--oom-kill-disable'], 'cannot use --oom-kill-disable: '],
    [['--intel-rdt-clos-id', 'x'], 'cannot use --rdt-class: resctrl needs root'],
    [['--seccomp-policy', 'image'], 'use --security-opt seccomp=FILE'],
  ])('say why they cannot be used: %j', (argv, message) => {
    expect(() => parse(...argv)).toThrow(message)
  })

  it('may be given where they change nothing', () => {
    const flags = parse('--oom-kill-disable=false', '--memory-swappiness', '-1', '--seccomp-policy=default')
    expect(flags.oomKillDisable).toBeUndefined()
    expect(parse('--disable-content-trust').disableContentTrust).toBe(true)
  })

  it('go by their second names too', () => {
    expect(parse('--net', 'host').network).toEqual(['host'])
    expect(parse('--dns-opt=ndots:1').dnsOption).toEqual(['ndots:1'])
    expect(parse('--healthcheck-command', 'true').healthCmd).toBe('true')
  })

  it('take several values at once where Podman does', () => {
    const flags = parse(
      '-a',
      'stdin,stdout',
      '--device',
      '/dev/null,/dev/zero',
      '--env-file=a,b',
      '--add-host=x:1,y:2',
    )
    expect(flags.attach).toEqual(['stdin', 'stdout'])
    expect(flags.device.map(({ path }) => path)).toEqual(['/dev/null', '/dev/zero'])
    expect(flags).toMatchObject({ envFile: ['a', 'b'], addHost: ['x:1', 'y:2'] })
    expect(parse('--uidmap', '0:1:2,2:5:1', '--ulimit', 'core=0,nofile=5:6')).toMatchObject({
      uidmap: ['0:1:2', '2:5:1'],
      ulimit: [{}, {}],
    })
    expect(parse('--env', 'A=1,2', '--label', 'l=3,4')).toMatchObject({
      env: ['A=1,2'],
      label: [{ value: '3,4' }],
    })
  })

  it('are offered only where they can be used', async () => {
    const facts = { uid: 1, gid: 1, env: {}, cwd: '/', runtimeEnv: {}, debug: false }
    const texts = async (word: string) =>
      (await offer(['run', word], facts)).candidates.map(({ text }) => text)
    expect(await texts('--cpu-r')).toEqual([])
    expect(await texts('--sys')).toEqual(['--sysctl', '--systemd'])
    expect(await texts('--net=h')).toEqual(['host'])
  })
})

describe('--preserve-fd', () => {
  const fds = (text: string) => foldFlags(EXEC_FLAGS, [{ name: 'preserve-fd', text }], 'hint').preserveFd

  it('takes numbers of descriptors', () => {
    expect(fds('3,17')).toEqual([3, 17])
  })

  it.each(['1', '3,', '-1', 'x', '3,2'])('refuses %j', (text) => {
    expect(() => fds(text)).toThrow('for "--preserve-fd" flag')
  })
})
