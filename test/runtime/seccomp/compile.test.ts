import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { emulate } from './emulate.ts'
import { runFixture, runFixtureJson } from './run-fixture.ts'

const AUDIT = { x86_64: 0xc000003e, x32: 0xc000003e, x86: 0x40000003 }
const ARCHITECTURES = ['x86_64', 'x32', 'x86'] as const
const ALLOW = 0x7fff0000
const errno = (name: keyof typeof constants.errno) => 0x00050000 + constants.errno[name]
const HIGH_BITS = 0xdeadbeef00000000n

interface Compiled {
  readonly program: Buffer
  readonly numbers: Readonly<Record<(typeof ARCHITECTURES)[number], Readonly<Record<string, number>>>>
}

function compile(request: object = {}): Compiled {
  const { program, numbers } = runFixtureJson('compile.ts', request) as { program: string } & Pick<
    Compiled,
    'numbers'
  >
  return { program: Buffer.from(program, 'base64'), numbers }
}

function compileRules(defaultAction: string, ...rules: readonly object[]): Compiled {
  const archMap = [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] }]
  return compile({ text: JSON.stringify({ defaultAction, archMap, syscalls: rules }) })
}

const allow = (name: string, ...args: readonly object[]) => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  args,
})
const refuse = (name: string, ...args: readonly object[]) => ({
  names: [name],
  action: 'SCMP_ACT_ERRNO',
  errnoRet: 13,
  args,
})
const first = (op: string, value: number) => ({ index: 0, op: `SCMP_CMP_${op}`, value })

describe("bryo's own filter", () => {
  const { program, numbers } = compile()
  const on = (arch: keyof typeof AUDIT, name: string, ...args: readonly bigint[]) =>
    emulate(program, { arch: AUDIT[arch], nr: numbers[arch][name] ?? -1 >>> 0, args })

  it('is of a size that the kernel takes', () => {
    expect(program.length % 8).toBe(0)
    expect(program.length / 8).toBeLessThan(4096)
  })

  it.each(ARCHITECTURES)('answers ENOSYS to every number of %s that it does not name', (arch) => {
    const named = new Set(Object.values(numbers[arch]))
    const bit = arch === 'x32' ? 0x40000000 : 0
    // i386 reaches these by names that stand for several numbers.
    const direct = (nr: number) =>
      arch === 'x86' && ((nr >= 359 && nr <= 373) || (nr >= 393 && nr <= 402) || [102, 337, 345].includes(nr))
    const strays = Array.from({ length: 1200 }, (_, nr) => nr + bit).filter(
      (nr) => !named.has(nr) && !direct(nr),
    )
    expect(strays.length).toBeGreaterThan(700)
    for (const nr of [...strays, 0xffffffff, 0x3fffffff]) {
      expect({ nr, answer: emulate(program, { arch: AUDIT[arch], nr }) }).toEqual({
        nr,
        answer: errno('ENOSYS'),
      })
    }
  })

  it.each(ARCHITECTURES)('allows on %s what programs live on', (arch) => {
    const names =
      'read write openat2 close_range execve futex epoll_pwait2 ptrace rseq chroot landlock_create_ruleset'
    for (const name of names.split(' '))
      expect({ name, answer: on(arch, name) }).toEqual({ name, answer: ALLOW })
  })

  it.each(ARCHITECTURES)('answers EPERM on %s to what needs a capability', (arch) => {
    const names = [
      'unshare setns mount umount2 pivot_root mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick',
      'bpf perf_event_open keyctl add_key request_key io_uring_setup io_uring_enter io_uring_register userfaultfd',
      'kexec_load init_module finit_module delete_module open_by_handle_at reboot swapon swapoff kcmp quotactl acct',
      'lookup_dcookie iopl ioperm clock_settime settimeofday syslog mbind vhangup fanotify_init sethostname',
    ]
    for (const name of names.join(' ').split(' ')) {
      const known = numbers[arch][name] !== undefined
      if (known) expect({ name, answer: on(arch, name) }).toEqual({ name, answer: errno('EPERM') })
    }
  })

  it('knows the virtual 8086 mode of i386', () => {
    expect(on('x86', 'vm86')).toBe(errno('EPERM'))
    expect(on('x86', 'vm86old')).toBe(errno('EPERM'))
  })

  it.each(ARCHITECTURES)('lets clone on %s make threads and processes, but no namespaces', (arch) => {
    const thread = 0x3d0f00n
    expect(on(arch, 'clone', thread)).toBe(ALLOW)
    expect(on(arch, 'clone', 17n)).toBe(ALLOW)
    for (const flag of [
      0x00020000n,
      0x02000000n,
      0x04000000n,
      0x08000000n,
      0x10000000n,
      0x20000000n,
      0x40000000n,
    ]) {
      expect(on(arch, 'clone', flag | 17n)).toBe(errno('EPERM'))
      expect(on(arch, 'clone', flag | thread | HIGH_BITS)).toBe(errno('EPERM'))
    }
    expect(on(arch, 'clone3')).toBe(errno('ENOSYS'))
  })

  it.each(ARCHITECTURES)('refuses ioctl on %s to type into a terminal, whatever the high bits', (arch) => {
    for (const request of [0x5412n, 0x541cn]) {
      expect(on(arch, 'ioctl', 0n, request)).toBe(errno('EPERM'))
      expect(on(arch, 'ioctl', 0n, request | HIGH_BITS)).toBe(errno('EPERM'))
    }
    expect(on(arch, 'ioctl', 0n, 0x5413n)).toBe(ALLOW)
    expect(on(arch, 'ioctl', 0x5412n, 0x5401n)).toBe(ALLOW)
    expect(on(arch, 'ioctl', 0n, 0xc0185879n)).toBe(ALLOW)
  })

  it.each(['x86_64', 'x32'] as const)('refuses the families AF_ALG and AF_VSOCK of socket on %s', (arch) => {
    for (const family of [38n, 40n]) {
      expect(on(arch, 'socket', family, 5n)).toBe(errno('EAFNOSUPPORT'))
      expect(on(arch, 'socket', family | HIGH_BITS, 5n)).toBe(errno('EAFNOSUPPORT'))
    }
    for (const family of [1n, 2n, 10n, 16n, 17n, 37n, 39n, 41n, 44n])
      expect(on(arch, 'socket', family)).toBe(ALLOW)
  })

  it('refuses the families on i386 by the direct call, and the multiplexer where it makes sockets', () => {
    const i386 = (nr: number, ...args: readonly bigint[]) => emulate(program, { arch: AUDIT.x86, nr, args })
    expect(i386(359, 38n)).toBe(errno('EAFNOSUPPORT'))
    expect(i386(359, 40n)).toBe(errno('EAFNOSUPPORT'))
    expect(i386(359, 2n)).toBe(ALLOW)
    expect(i386(102, 1n)).toBe(errno('ENOSYS'))
    for (let entry = 2n; entry <= 20n; entry++) expect(i386(102, entry)).toBe(ALLOW)
    expect(i386(102, 21n)).toBe(errno('ENOSYS'))
  })

  it('lets personality ask, and choose among harmless ones', () => {
    for (const persona of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn])
      expect(on('x86_64', 'personality', persona)).toBe(ALLOW)
    for (const persona of [0x0040000n, 0x0100000n, 1n]) {
      expect(on('x86_64', 'personality', persona)).toBe(errno('ENOSYS'))
    }
  })
})

describe("bryo's own filter with more", () => {
  const answers = (request: object, ...names: readonly string[]) => {
    const { program, numbers } = compile(request)
    const nr = (name: string) => numbers.x86_64[name] ?? -1
    return names.map((name) => emulate(program, { arch: AUDIT.x86_64, nr: nr(name), args: [0x10000000n] }))
  }

  it.each([
    [
      'CAP_SYS_ADMIN',
      'unshare clone clone3 mount setns bpf perf_event_open io_uring_setup keyctl syslog quotactl',
    ],
    ['CAP_BPF', 'bpf'],
    ['CAP_PERFMON', 'perf_event_open'],
    ['CAP_SYSLOG', 'syslog'],
    ['CAP_SYS_PTRACE', 'kcmp ptrace'],
    ['CAP_SYS_MODULE', 'init_module finit_module delete_module'],
    ['CAP_SYS_RAWIO', 'iopl ioperm'],
    ['CAP_SYS_TIME', 'clock_settime settimeofday'],
    ['CAP_SYS_PACCT', 'acct'],
    ['CAP_SYS_BOOT', 'reboot kexec_load'],
    ['CAP_SYS_NICE', 'mbind set_mempolicy'],
    ['CAP_SYS_TTY_CONFIG', 'vhangup'],
    ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'],
  ])('allows for %s %s', (capability, names) => {
    const wanted = names.split(' ')
    expect(answers({ caps: [capability] }, ...wanted)).toEqual(wanted.map(() => ALLOW))
  })

  it('allows namespaces and mounts, and nothing else, where user namespaces may nest', () => {
    const request = { features: ['nested-userns'] }
    expect(answers(request, 'unshare', 'clone', 'clone3', 'mount', 'pivot_root')).toEqual(
      Array(5).fill(ALLOW),
    )
    expect(answers(request, 'bpf', 'keyctl', 'swapon')).toEqual(Array(3).fill(errno('EPERM')))
  })
})

describe('compileProfile()', () => {
  const answer = ({ program, numbers }: Compiled, name: string, ...args: readonly bigint[]) =>
    emulate(program, { arch: AUDIT.x86_64, nr: numbers.x86_64[name] ?? -1, args })

  it('lets a refusal win over a permission, in either order', () => {
    const [permission, refusal] = [allow('ioctl'), refuse('ioctl', first('EQ', 7))]
    for (const rules of [
      [permission, refusal],
      [refusal, permission],
    ]) {
      const compiled = compileRules('SCMP_ACT_KILL', ...rules)
      expect(answer(compiled, 'ioctl', 7n)).toBe(errno('EACCES'))
      expect(answer(compiled, 'ioctl', 8n)).toBe(ALLOW)
    }
  })

  it('lets a refusal win that is also the default', () => {
    const refusal = { names: ['ioctl'], action: 'SCMP_ACT_ERRNO', args: [first('EQ', 7)] }
    const compiled = compileRules('SCMP_ACT_ERRNO', allow('ioctl'), refusal)
    expect(answer(compiled, 'ioctl', 7n)).toBe(errno('EPERM'))
    expect(answer(compiled, 'ioctl', 8n)).toBe(ALLOW)
  })

  it('lets a refusal without conditions win over a permission with some', () => {
    const compiled = compileRules('SCMP_ACT_KILL', allow('ioctl', first('EQ', 7)), refuse('ioctl'))
    expect(answer(compiled, 'ioctl', 7n)).toBe(errno('EACCES'))
  })

  it('compiles a list of refusals', () => {
    const compiled = compileRules('SCMP_ACT_ALLOW', refuse('socket', first('EQ', 2)), refuse('mount'))
    expect(answer(compiled, 'socket', 2n)).toBe(errno('EACCES'))
    expect(answer(compiled, 'socket', 3n)).toBe(ALLOW)
    expect(answer(compiled, 'mount')).toBe(errno('EACCES'))
  })

  it('leaves the multiplexer alone where the profile names it', () => {
    const socketcall = (compiled: Compiled) =>
      emulate(compiled.program, { arch: AUDIT.x86, nr: 102, args: [1n] })
    const rule = allow('socket', first('NE', 40))
    expect(socketcall(compileRules('SCMP_ACT_ERRNO', rule, allow('socketcall')))).toBe(ALLOW)
    expect(socketcall(compileRules('SCMP_ACT_ERRNO', rule))).toBe(errno('ENOSYS'))
  })

  it('skips names that libseccomp does not know', () => {
    const compiled = compileRules('SCMP_ACT_KILL', allow('read'), allow('call_of_tomorrow'))
    expect(answer(compiled, 'read')).toBe(ALLOW)
  })

  it('does not skip a refusal beside which everything is allowed', () => {
    const text = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [refuse('call_of_tomorrow')] })
    const { status, stderr } = runFixture('compile.ts', { text })
    expect(status).not.toBe(0)
    expect(stderr).toContain('it refuses "call_of_tomorrow", which the libseccomp of this host does not know')
  })

  it('kills calls of an architecture that the profile leaves out', () => {
    const text = JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [allow('read')] })
    expect(emulate(compile({ text }).program, { arch: AUDIT.x86, nr: 3 })).toBe(0)
  })
})
