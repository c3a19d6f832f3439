import { readFileSync, readlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TEST_USER } from '../e2e/support/user.ts'
import { IMAGE, openWorld } from '../e2e/support/world.ts'
import { guardHost } from './support/guard.ts'
import { NO_PERL, WITH_PERL } from './support/perl.ts'

const world = await openWorld()
guardHost(world)
const NO_NETWORK = ['--network', 'none']
const inside = (flags: readonly string[], command: string) => world.inside([...NO_NETWORK, ...flags], command)

/** CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE SYS_CHROOT SETFCAP */
const DEFAULT = '00000000800405fb'
const NONE = '0000000000000000'
const STATUS =
  'awk \'/^(Cap|NoNewPrivs|Seccomp:)/ { print $1 $2 }\' /proc/self/status | tr "\\n" " "; cat /proc/sys/user/max_user_namespaces'

interface Expected {
  readonly inheritable?: string
  readonly effective: string
  readonly bounding: string
  readonly ambient?: string
}

function sets({ inheritable = NONE, effective, bounding, ambient = NONE }: Expected): string {
  return `CapInh:${inheritable} CapPrm:${effective} CapEff:${effective} CapBnd:${bounding} CapAmb:${ambient}`
}

describe('capabilities', () => {
  it.each<readonly [what: string, flags: readonly string[], expected: Expected]>([
    ['the eleven of root', [], { effective: DEFAULT, bounding: DEFAULT }],
    ['none of another user', ['--user', '1000'], { effective: NONE, bounding: DEFAULT }],
    ['none without any', ['--cap-drop', 'ALL'], { effective: NONE, bounding: NONE }],
    [
      'of another user those that are added',
      ['--user', '1000', '--cap-drop', 'ALL', '--cap-add', 'CHOWN'],
      {
        inheritable: '0000000000000001',
        effective: '0000000000000001',
        bounding: '0000000000000001',
        ambient: '0000000000000001',
      },
    ],
  ])('are %s', async (_what, flags, expected) => {
    expect(await inside(flags, STATUS)).toBe(`${sets(expected)} NoNewPrivs:1 Seccomp:2 0`)
  })

  it('of a privileged container are those of its user namespace, no_new_privs stays', async () => {
    const text = await inside(['--privileged'], STATUS)
    expect(text).toMatch(/CapEff:000001ffffffffff .* NoNewPrivs:1 Seccomp:0 [1-9]\d*$/)
  })
})

describe('namespaces and ids', () => {
  it('are none of the caller, and root is the caller or a subordinate id', async () => {
    const text = await inside(
      [],
      'cd /proc/self/ns; for n in *; do readlink $n; done; cat /proc/self/uid_map',
    )
    const shared = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup']
      .map((type) => readlinkSync(`/proc/self/ns/${type}`))
      .filter((name) => text.includes(name))
    expect(shared).toEqual([])
    expect(text).toMatch(new RegExp(`\\n +0 +${TEST_USER.uid} +1\\n`))
  })

  it('with a single id keep the groups that setgroups(2) could drop', async () => {
    expect(await inside(['--userns', 'host'], 'cat /proc/self/setgroups')).toBe('deny')
  })
})

describe('/proc', () => {
  it('hides what tells of the host', async () => {
    const paths = 'acpi asound interrupts kcore keys latency_stats timer_list timer_stats sched_debug scsi'
    const text = await inside(
      [],
      `cd /proc; for p in ${paths}; do if [ -d $p ]; then ls -A $p; elif [ -e $p ]; then stat -c %t:%T $p; cat $p; fi; done; ls -A /sys/firmware`,
    )
    expect(text.split('\n').filter((line) => line !== '1:3' && line !== '')).toEqual([])
  })

  it('shows what --security-opt unmask names, and only that', async () => {
    const sizes = 'wc -c < /proc/interrupts; wc -c < /proc/timer_list'
    expect(await inside([], sizes)).toBe('0\n0')
    expect(await inside(['--security-opt', 'unmask=/proc/interrupts'], sizes)).toMatch(/^[1-9]\d*\n0$/)
  })

  it('cannot be written where the kernel would listen', async () => {
    const text = await inside(
      [],
      'for p in sys/kernel/hostname sys/kernel/core_pattern sys/user/max_user_namespaces sysrq-trigger; do (echo 1 > /proc/$p) 2>/dev/null && echo $p; done; grep -E " /proc/(bus|fs|irq|sys|sysrq-trigger) " /proc/self/mountinfo | grep -v " ro,"; true',
    )
    expect(text).toBe('')
  })
})

describe('/sys', () => {
  it.each([['none'], ['host']])(
    'is read-only with every mount in it, with the network %s',
    async (network) => {
      const text = await world.inside(
        ['--network', network],
        'awk \'$5 == "/sys" || $5 ~ "^/sys/" { print $6 }\' /proc/self/mountinfo; touch /sys/fs/x 2>/dev/null && echo written; true',
      )
      expect(text.split('\n').filter((options) => !/^r[ow],|^ro$/.test(options))).toEqual([])
      // What masks a file is the null device, which everybody may write.
      expect(text.split('\n').filter((options) => options.startsWith('rw,nosuid'))).toEqual([])
    },
  )
})

describe('/dev', () => {
  it('has its own devices and nothing else of the host', async () => {
    expect((await inside([], 'ls /dev')).split('\n')).toEqual(
      'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' '),
    )
    const mounts = await inside(
      [],
      'awk \'$5 == "/dev/shm" { print $6 }\' /proc/self/mountinfo; df -k /dev/shm',
    )
    expect(mounts).toMatch(/^rw,nosuid,nodev,noexec[\s\S]* (64000|65536) /)
  })

  it('cannot be given another device', async () => {
    expect(
      await inside([], 'mknod /tmp/mem c 1 1 2>/dev/null || mknod /dev/sda b 8 0 2>/dev/null || echo no'),
    ).toBe('no')
  })
})

describe('the environment', () => {
  it("holds nothing of the caller's", async () => {
    const ended = await world.bryo(['run', '--rm', ...NO_NETWORK, IMAGE, 'env'], {
      env: { SECRET: 'of the host' },
    })
    const names = ended.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
    expect(names.toSorted()).toEqual(['HOME', 'HOSTNAME', 'PATH', 'container'])
  })
})

describe('the number of processes', () => {
  it('ends at --pids-limit', async () => {
    const ended = await world.bryo([
      'run',
      '--rm',
      ...NO_NETWORK,
      '--pids-limit',
      '400',
      IMAGE,
      'sh',
      '-c',
      'cat /proc/self/limits; i=0; while [ $i -lt 1000 ]; do sleep 30 & i=$((i+1)); done; echo over',
    ])
    expect(ended.stdout).toMatch(/Max processes +400 +400/)
    expect(ended.stdout).not.toContain('over')
    expect(ended.code).not.toBe(0)
  })

  it('is not that of all that the caller runs', async () => {
    const sleeps = world.startCommand([
      'sh',
      '-c',
      'trap \'kill $all\' TERM; for i in $(seq 60); do sleep 60 & all="$all $!"; done; echo run; wait; wait',
    ])
    await sleeps.said('run')
    const count = 'sleep 5 & sleep 5 & ls -d /proc/[0-9]* | wc -l'
    expect(Number(await inside(['--pids-limit', '6'], count))).toBeGreaterThanOrEqual(4)
    sleeps.kill('SIGTERM')
    await sleeps.ended
  })

  it.skipIf(NO_PERL !== undefined)('ends for all users of the container together', async () => {
    // Each of these users may have as many processes as all of them; the host's tasks are the margin.
    const tasks = Number(/\/(\d+)/.exec(readFileSync('/proc/loadavg', 'latin1'))?.[1])
    const users = Math.ceil((200 + tasks + 500) / 10)
    const bomb =
      '$| = 1; for my $u (1 .. $ARGV[0]) { for (1 .. 10) { my $p = fork; if (!defined $p) { print "full after $n\\n"; sleep 1; kill "KILL", -1; exit } $n++; if (!$p) { $) = "$u $u"; $( = $u; $> = $u; $< = $u; sleep 60 } } } print "over"; kill "KILL", -1'
    const limit = ['--pids-limit', '200']
    const ended = await world.bryo([
      'run',
      '--rm',
      ...NO_NETWORK,
      ...limit,
      ...WITH_PERL,
      IMAGE,
      '/usr/bin/perl',
      '-e',
      bomb,
      String(users),
    ])
    expect(ended.stdout).toMatch(/^full after \d+\n/)
  })

  it('is 2048 by default', async () => {
    expect(await inside([], 'ulimit -u')).toBe('2048')
  })
})

describe.skipIf(NO_PERL !== undefined)(`system calls${NO_PERL ? `: ${NO_PERL}` : ''}`, () => {
  const call = (number: number, ...args: readonly string[]) =>
    `$! = 0; $r = syscall(${[number, ...args].join(', ')}); print $r < 0 ? $!+0 : "done", " ";`
  const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97]

  it.each([
    ['clone(CLONE_NEWUSER)', call(56, '0x10000011', '0'), EPERM],
    ['clone3', call(435, '0', '0'), ENOSYS],
    ['unshare(CLONE_NEWUSER)', call(272, '0x10000000'), EPERM],
    ['mount', call(165, '0', '(my $a = "/tmp")', '(my $b = "tmpfs")', '0', '0'), EPERM],
    ['umount2', call(166, '(my $a = "/proc/keys")', '2'), EPERM],
    ['setns', call(308, '0', '0'), EPERM],
    ['open_tree', call(428, '0', '(my $a = "/")', '1'), EPERM],
    ['fsopen', call(430, '(my $b = "tmpfs")', '0'), EPERM],
    ['mount_setattr', call(442, '0', '(my $a = "/")', '0', '0', '0'), EPERM],
    ['keyctl', call(250, '0', '-3'), EPERM],
    ['bpf', call(321, '0', '0', '0'), EPERM],
    ['perf_event_open', call(298, '0', '0', '0', '0', '0'), EPERM],
    ['io_uring_setup', call(425, '1', '0'), EPERM],
    ['userfaultfd', call(323, '0'), EPERM],
    ['socket(AF_VSOCK)', call(41, '40', '1', '0'), EAFNOSUPPORT],
    ['socket(AF_ALG)', call(41, '38', '5', '0'), EAFNOSUPPORT],
    ['one that does not exist', call(999), ENOSYS],
    ['open_by_handle_at', call(304, '0', '0', '0'), EPERM],
  ])('%s is refused', async (_name, code, errno) => {
    expect(await world.inside([...NO_NETWORK, ...WITH_PERL], ['/usr/bin/perl', '-e', code])).toBe(`${errno} `)
  })

  it("see a keyring that is not the caller's session's", async () => {
    const code = 'print syscall(250, 0, -3, 0)'
    const outside = await world.command(['perl', '-e', code])
    const flags = [...NO_NETWORK, '--security-opt', 'seccomp=unconfined', ...WITH_PERL]
    const found = await world.inside(flags, ['/usr/bin/perl', '-e', code])
    expect(found).toMatch(/^\d+$/)
    expect(found).not.toBe(outside.stdout)
  })

  it('by the 32-bit entry are refused too', async () => {
    // mov eax,310 (unshare); mov ebx,0x10000000; int 0x80; ret: machine code that perl's own loader can run.
    const text = await world.inside(
      [...NO_NETWORK, ...WITH_PERL],
      [
        '/usr/bin/perl',
        '-e',
        'require DynaLoader; my $code = pack("H*", "53b836010000bb00000010cd805bc3"); my $a = syscall(9, 0, 4096, 7, 0x22, -1, 0); exit 2 if $a < 0; open(my $m, "+<", "/proc/self/mem") or die; sysseek($m, $a, 0); syswrite($m, $code); DynaLoader::dl_install_xsub("main::f", $a); eval { f() }; open(my $n, "<", "/proc/self/uid_map"); print <$n>',
      ],
    )
    expect(text).toMatch(new RegExp(`^ +0 +${TEST_USER.uid} +1\\n`))
  })
})

describe('the terminal', () => {
  it('of the caller is no terminal of the session', async () => {
    const text = await inside(
      [],
      'cut -d " " -f 6,7 /proc/self/stat; (: < /dev/tty) 2>/dev/null && echo opened; true',
    )
    expect(text).toBe('1 0')
    expect(readFileSync('/proc/self/stat', 'utf8')).not.toBe('')
  })
})
