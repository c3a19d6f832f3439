import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { openWorld } from '../e2e/support/world.ts'
import { NO_PERL, WITH_PERL } from './support/perl.ts'

/**
 * Perl that makes a call through the 32-bit entry of an x86-64 kernel and prints what it gives: machine code that perl's own loader can
 * run, in a page below 4 GiB, the result behind it and three words of memory that `memory` stands for as an argument.
 */
const RUN_32BIT = `
require DynaLoader;
my ($number, @args) = map { oct $_ } @ARGV[0 .. 3];
my $page = syscall(9, 0, 4096, 7, 0x62, -1, 0);
@args = map { $_ == 0xffffffff ? $page + 72 : $_ } @args;
my $code = pack("C CL CL CL CL CC CCL CC", 0x53, 0xb8, $number, 0xbb, $args[0], 0xb9, $args[1], 0xba, $args[2], 0xcd, 0x80, 0x89, 5, 35, 0x5b, 0xc3);
open(my $memory, "+<", "/proc/self/mem") or die;
sysseek($memory, $page, 0);
syswrite($memory, $code);
sysseek($memory, $page + 72, 0);
syswrite($memory, pack("L3", map { oct $_ } @ARGV[4 .. 6]));
DynaLoader::dl_install_xsub("main::call", $page);
eval { call() };
sysseek($memory, $page + 64, 0);
sysread($memory, my $result, 4);
print unpack("l", $result);
`
const probe = spawnSync('/usr/bin/perl', ['-e', RUN_32BIT, '0x14', ...Array<string>(6).fill('0')])
const REASON = NO_PERL ?? (Number(probe.stdout) > 0 ? undefined : 'this kernel has no 32-bit entry')
const world = await openWorld({ unused: REASON !== undefined })

const MEMORY = 0xffffffff
const [EPERM, EBADF, ENOSYS, EAFNOSUPPORT] = [-1, -9, -38, -97]
const [AF_UNIX, AF_ALG, AF_VSOCK, SOCK_STREAM] = [1, 38, 40, 1]
const CLONE_NEWUSER = 0x10000000
const [TIOCSTI, TIOCLINUX] = [0x5412, 0x541c]

function call32(args: readonly number[], memory: readonly number[] = []): Promise<string> {
  const words = [...args, ...Array<number>(4 - args.length).fill(0), ...memory, 0, 0, 0].slice(0, 7)
  const text = words.map((word) => `0x${word.toString(16)}`)
  return world.inside(['--network', 'none', ...WITH_PERL], ['/usr/bin/perl', '-e', RUN_32BIT, ...text])
}

describe.skipIf(REASON !== undefined)(`the 32-bit entry${REASON ? `: ${REASON}` : ''}`, () => {
  it('is what the test calls by: getpid', async () => {
    expect(Number(await call32([20]))).toBeGreaterThan(0)
  })

  it.each([
    ['clone(CLONE_NEWUSER)', [120, CLONE_NEWUSER | 17], EPERM],
    ['clone3', [435], ENOSYS],
    ['unshare(CLONE_NEWUSER)', [310, CLONE_NEWUSER], EPERM],
    ['mount', [21, MEMORY, MEMORY, MEMORY], EPERM],
    ['setns', [346], EPERM],
    ['keyctl', [288], EPERM],
    ['bpf', [357], EPERM],
    ['perf_event_open', [336, MEMORY], EPERM],
    ['io_uring_setup', [425, 1, MEMORY], EPERM],
    ['userfaultfd', [374], EPERM],
    ['one that does not exist', [999], ENOSYS],
    ['ioctl(TIOCSTI)', [54, 0, TIOCSTI, MEMORY], EPERM],
    ['ioctl(TIOCLINUX)', [54, 0, TIOCLINUX, MEMORY], EPERM],
    ['socket(AF_ALG)', [359, AF_ALG, 5], EAFNOSUPPORT],
    ['socket(AF_VSOCK)', [359, AF_VSOCK, SOCK_STREAM], EAFNOSUPPORT],
  ])('%s is refused', async (_name, args, errno) => {
    expect(await call32(args)).toBe(String(errno))
  })

  it.each([
    ['AF_ALG', AF_ALG],
    ['AF_VSOCK', AF_VSOCK],
  ])('socketcall(SYS_SOCKET, %s), whose arguments no filter sees, is refused', async (_name, family) => {
    expect(await call32([102, 1, MEMORY], [family, SOCK_STREAM, 0])).toBe(String(ENOSYS))
  })

  it('leaves the other calls behind socketcall alone, and socket itself', async () => {
    const SYS_LISTEN = 4
    expect(await call32([102, SYS_LISTEN, MEMORY], [99, 1])).toBe(String(EBADF))
    expect(Number(await call32([359, AF_UNIX, SOCK_STREAM]))).toBeGreaterThan(0)
  })
})

describe.skipIf(REASON !== undefined)(`the x32 entry${REASON ? `: ${REASON}` : ''}`, () => {
  const X32 = 0x40000000
  it.each([
    ['unshare(CLONE_NEWUSER)', [X32 + 272, CLONE_NEWUSER], EPERM],
    ['socket(AF_ALG)', [X32 + 41, AF_ALG, 5, 0], EAFNOSUPPORT],
    ['clone3', [X32 + 435, 0, 0], ENOSYS],
    ['one that does not exist', [X32 + 999], ENOSYS],
  ])('%s is refused', async (_name, args, errno) => {
    const code = 'my ($n, @a) = map { $_ + 0 } @ARGV; my $r = syscall($n, @a); print $r < 0 ? -$! : "done"'
    const text = args.map(String)
    const flags = ['--network', 'none', ...WITH_PERL]
    expect(await world.inside(flags, ['/usr/bin/perl', '-e', code, ...text])).toBe(String(errno))
  })
})
