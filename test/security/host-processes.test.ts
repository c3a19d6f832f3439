import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Started } from '../e2e/support/command.ts'
import { IMAGE, openWorld } from '../e2e/support/world.ts'
import { startAttacker } from './support/attacker.ts'
import { guardHost } from './support/guard.ts'
import { NO_PERL, WITH_PERL } from './support/perl.ts'
import { SECRET } from './support/sentinel.ts'

/** landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) */
function landlockVersion(): number {
  const { stdout } = spawnSync('/usr/bin/perl', ['-e', 'print syscall(444, 0, 0, 1)'], { encoding: 'utf8' })
  return Number(stdout)
}

const world = await openWorld({ unused: NO_PERL !== undefined })
const NO_SCOPES =
  NO_PERL ?? (landlockVersion() >= 6 ? undefined : 'this kernel has no Landlock with scopes (Linux 6.12)')
const PERL = ['/usr/bin/perl', '-e']
const SHARED = ['--pid', 'host', ...WITH_PERL]
/** What Landlock would keep from it otherwise, on kernels that have it. */
const ALONE = ['--security-opt', 'landlock=off']
const NO_NETWORK = ['--network', 'none']

/** Perl: `look` prints FOUND for each process that can be looked into and executes a program of the host's. */
const LOOK = `
  $| = 1; my %said;
  sub look {
    opendir(my $d, "/proc"); my @pids = grep { /^[0-9]+$/ && $_ != $$ } readdir($d); closedir($d);
    for my $p (@pids) {
      my $program = readlink("/proc/$p/exe");
      next if !defined $program || $program =~ m{^/bin/|^/memfd:bryo-workload};
      open(my $c, "<", "/proc/$p/cmdline") or next; my $name = <$c> // "";
      print "FOUND $program: $name\\n" if !$said{$program}++;
    }
  }`

describe.skipIf(NO_PERL !== undefined)(`processes of the host${NO_PERL ? `: ${NO_PERL}` : ''}`, () => {
  guardHost(world)
  let victim: Started
  let pid: string
  beforeEach(async () => {
    const wait = '$| = 1; $SIG{USR1} = sub { print "signalled" }; print "$$\\n"; sleep 1000 while 1'
    victim = world.startCommand([...PERL, wait], { env: { TOKEN: SECRET } })
    await victim.said('\n')
    pid = victim.stdout().trim()
  })
  afterEach(async () => {
    victim.kill('SIGKILL')
    await victim.ended
  })

  it.each([
    [[]],
    [['--privileged']],
    [['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined']],
    [['--userns', 'keep-id']],
    [['--userns', 'host']],
    [['--network', 'host', '--ipc', 'host', '--uts', 'host']],
  ])('cannot be looked into or traced, even without Landlock: %j', async (flags) => {
    const network = flags.includes('--network') ? [] : NO_NETWORK
    const files = ['environ', 'mem', 'maps', 'auxv', 'syscall', 'stack', 'io']
    const script = `${LOOK} look();
      for my $f (qw(${files.join(' ')})) { print "READ $f\\n" if open(my $h, "<", "/proc/${pid}/$f") && defined(<$h>) }
      for my $f (qw(root cwd exe fd/0 ns/mnt ns/user)) { print "LINK $f\\n" if defined readlink("/proc/${pid}/$f") }
      my $fd = syscall(434, ${pid}, 0); print "GOT\\n" if $fd >= 0 && syscall(438, $fd, 0, 0) >= 0;
      print "done"`
    expect(await world.inside([...SHARED, ...ALONE, ...network, ...flags], [...PERL, script])).toBe('done')
  })

  it.each([
    ['a network that a helper serves', [], []],
    ['published ports', [], ['-p', '127.0.0.1::80', '-p', '[::1]::81']],
    [
      'published ports of another process',
      [],
      ['--network', 'slirp4netns:port_handler=rootlesskit', '-p', '127.0.0.1::80'],
    ],
    ['a root that fuse-overlayfs serves', ['--storage-driver', 'fuse-overlayfs'], NO_NETWORK],
    ['ids that fuse-overlayfs shows', [], ['--userns', 'keep-id', '--user', 'root']],
  ])(
    'that serve the container are out of its reach, even without Landlock: %s',
    async (_what, before, flags) => {
      for (const powers of [[], ['--privileged']]) {
        const run = [...before, 'run', '--rm', ...SHARED, ...ALONE, ...flags, ...powers, IMAGE]
        const ended = await world.bryo([...run, ...PERL, `${LOOK} look() for 1..3; print "done"`])
        expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'done' })
      }
    },
  )

  it('that work in a container are out of its reach, even without Landlock', async () => {
    const powers = ['--privileged', ...SHARED, ...ALONE]
    const attacker = await startAttacker(world, powers, `exec ${PERL.join(' ')} '${LOOK} look() while 1'`)
    const { name } = attacker
    const file = `${world.makeDirectory('copies')}/file`
    const joining = ['run', '--rm', ...NO_NETWORK]
    try {
      for (let round = 0; round < 10; round++) {
        for (const args of [
          ['exec', name, '/bin/true'],
          ['exec', '--user', 'daemon', '--tty', name, '/bin/true'],
          ['cp', `${name}:/etc/greeting`, file],
          ['cp', file, `${name}:/tmp/file`],
          ['top', name, 'user', 'args'],
          ['security', name],
          [...joining, '--pid', 'host', '--userns', `container:${name}`, IMAGE, 'true'],
          [...joining, '--pid', 'host', '--ipc', `container:${name}`, IMAGE, 'true'],
          [...joining, '--userns', `container:${name}`, IMAGE, 'true'],
          ['--storage-driver', 'fuse-overlayfs', ...joining, '--uts', `container:${name}`, IMAGE, 'true'],
        ]) {
          const ended = await world.bryo(args)
          expect(ended.code, `${args.join(' ')}: ${ended.stderr}`).toBeLessThan(2)
        }
      }
    } finally {
      await attacker.stop()
    }
    expect(attacker.output()).toBe('started\n')
  })

  describe.skipIf(NO_SCOPES !== undefined)(`take no signal${NO_SCOPES ? `: ${NO_SCOPES}` : ''}`, () => {
    const SIGNAL = () => `print kill("USR1", ${pid}) ? "sent" : "refused: $!"`
    it.each([[], ['--privileged'], ['--security-opt', 'no-new-privileges=false'], ['--user', '1000']])(
      'of a container: %s %s',
      async (...flags) => {
        const said = await world.inside([...SHARED, ...NO_NETWORK, ...flags], [...PERL, SIGNAL()])
        expect(said).toBe('refused: Operation not permitted')
      },
    )

    it('of what exec adds', async () => {
      const run = ['run', '-d', '--rm', '--name', 'shared', ...NO_NETWORK, ...SHARED, IMAGE, 'sleep', '100']
      expect(await world.bryo(run)).toMatchObject({ code: 0 })
      const ended = await world.bryo(['exec', 'shared', ...PERL, SIGNAL()])
      expect(ended).toMatchObject({ code: 0, stdout: 'refused: Operation not permitted' })
      expect(await world.bryo(['rm', '--force', '--time', '0', 'shared'])).toMatchObject({ code: 0 })
    })

    afterEach(() => expect(victim.stdout()).not.toContain('signalled'))
  })

  it.each([
    ['--userns', 'auto'],
    ['--userns', 'nomap'],
    ['--user', '1000'],
  ])('have limits and ranks that another user than the caller cannot change: %s %s', async (...flags) => {
    const script = `my $limit = pack("QQ", 0, 0);
      print "limit\\n" if syscall(302, ${pid}, 4, $limit, 0) == 0;
      print "nice\\n" if syscall(141, 0, ${pid}, 19) == 0;
      print "oom\\n" if open(my $f, ">", "/proc/${pid}/oom_score_adj");
      print "signal\\n" if kill("USR1", ${pid});
      print "done"`
    expect(await world.inside([...SHARED, ...ALONE, ...NO_NETWORK, ...flags], [...PERL, script])).toBe('done')
  })

  it.each([[], ['--privileged']])("leave the kernel's own files as they are: %s", async (...flags) => {
    const names = [
      'sysrq-trigger',
      'sys/kernel/core_pattern',
      'sys/kernel/hostname',
      'sys/vm/drop_caches',
      '1/oom_score_adj',
    ]
    const script = `for my $n (qw(${names.join(' ')})) { print "OPENED $n\\n" if open(my $f, ">>", "/proc/$n") } print "done"`
    expect(await world.inside([...SHARED, ...NO_NETWORK, ...flags], [...PERL, script])).toBe('done')
  })
})
