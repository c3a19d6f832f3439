import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runFixture, runFixtureJson } from './run-fixture.ts'

const PROBE = fileURLToPath(new URL('./fixture/probe.py', import.meta.url))
const PYTHON = '/usr/bin/python3'

type Argument = number | 'buffer' | { readonly words: readonly number[] }
type Call = readonly ['native' | 'i386' | 'x32', number, ...(readonly Argument[])]

/** What each call answers under the filter: 0, or the name of the errno. */
function probe(calls: readonly Call[], request: object = {}): unknown {
  return runFixtureJson('confine.ts', { ...request, argv: [PYTHON, PROBE, JSON.stringify(calls)] })
}

/** Call, then what must be seen; x86-64's numbers. */
const REFUSED: readonly (readonly [string, Call, string])[] = [
  ['unshare(CLONE_NEWUSER)', ['native', 272, 0x10000000], 'EPERM'],
  ['unshare(CLONE_NEWNS)', ['native', 272, 0x00020000], 'EPERM'],
  ['clone(CLONE_NEWUSER)', ['native', 56, 0x10000011], 'EPERM'],
  ['clone3', ['native', 435, 'buffer', 88], 'ENOSYS'],
  ['call 1000, which no kernel has', ['native', 1000], 'ENOSYS'],
  ['mount', ['native', 165, 'buffer', 'buffer', 'buffer', 0, 0], 'EPERM'],
  ['umount2', ['native', 166, 'buffer', 0], 'EPERM'],
  ['pivot_root', ['native', 155, 'buffer', 'buffer'], 'EPERM'],
  ['setns', ['native', 308, 0, 0], 'EPERM'],
  ['fsopen', ['native', 430, 'buffer', 0], 'EPERM'],
  ['open_tree', ['native', 428, 0, 'buffer', 0], 'EPERM'],
  ['bpf', ['native', 321, 0, 'buffer', 120], 'EPERM'],
  ['perf_event_open', ['native', 298, 'buffer', 0, -1, -1, 0], 'EPERM'],
  ['io_uring_setup', ['native', 425, 1, 'buffer'], 'EPERM'],
  ['userfaultfd', ['native', 323, 1], 'EPERM'],
  ['keyctl(KEYCTL_GET_KEYRING_ID)', ['native', 250, 0, -3, 0], 'EPERM'],
  ['add_key', ['native', 248, 'buffer', 'buffer', 0, 0, -3], 'EPERM'],
  ['request_key', ['native', 249, 'buffer', 'buffer', 0, 0], 'EPERM'],
  ['open_by_handle_at', ['native', 304, 0, 'buffer', 0], 'EPERM'],
  ['syslog, which reads the log of the host', ['native', 103, 3, 'buffer', 16], 'EPERM'],
  ['ioctl(TIOCSTI)', ['native', 16, 0, 0x5412, 'buffer'], 'EPERM'],
  ['ioctl(TIOCSTI) with high bits', ['native', 16, 0, 0x100005412, 'buffer'], 'EPERM'],
  ['ioctl(TIOCLINUX)', ['native', 16, 0, 0x541c, 'buffer'], 'EPERM'],
  ['ioctl(TIOCLINUX) with high bits', ['native', 16, 0, 0x10000541c, 'buffer'], 'EPERM'],
  ['socket(AF_ALG)', ['native', 41, 38, 5, 0], 'EAFNOSUPPORT'],
  ['socket(AF_ALG) with high bits', ['native', 41, 0x100000026, 5, 0], 'EAFNOSUPPORT'],
  ['socket(AF_VSOCK)', ['native', 41, 40, 1, 0], 'EAFNOSUPPORT'],
  ['personality(ADDR_NO_RANDOMIZE)', ['native', 135, 0x40000], 'ENOSYS'],
  ['unshare(CLONE_NEWUSER) of i386', ['i386', 310, 0x10000000], 'EPERM'],
  ['mount of i386', ['i386', 21, 'buffer', 'buffer', 'buffer', 0, 0], 'EPERM'],
  ['ioctl(TIOCSTI) of i386', ['i386', 54, 0, 0x5412, 'buffer'], 'EPERM'],
  ['socket(AF_ALG) of i386', ['i386', 359, 38, 5, 0], 'EAFNOSUPPORT'],
  ['socket(AF_ALG) by socketcall', ['i386', 102, 1, { words: [38, 5, 0] }], 'ENOSYS'],
  ['vm86 of i386', ['i386', 166, 0, 'buffer'], 'EPERM'],
  ['call 1000 of i386', ['i386', 1000], 'ENOSYS'],
  ['mount of x32', ['x32', 165, 'buffer', 'buffer', 'buffer', 0, 0], 'EPERM'],
  ['call 600 of x32', ['x32', 600], 'ENOSYS'],
]

const ALLOWED: readonly (readonly [string, Call])[] = [
  ['getpid', ['native', 39]],
  ['socket(AF_UNIX)', ['native', 41, 1, 1, 0]],
  ['socket(AF_INET6)', ['native', 41, 10, 1, 0]],
  ['memfd_create', ['native', 319, 'buffer', 0]],
  ['personality(0xffffffff)', ['native', 135, 0xffffffff]],
  ['getpid of i386', ['i386', 20]],
  ['socket(AF_INET) of i386', ['i386', 359, 2, 1, 0]],
]

describe.skipIf(process.arch !== 'x64')(
  'a process under the filter (the numbers are those of x86-64)',
  () => {
    it.each([
      ['no_new_privs', {}],
      ['CAP_SYS_ADMIN of the user namespace instead, before it is dropped', { newPrivileges: true }],
    ])('is refused what it must not do: installed with %s', (_, request) => {
      const answers = probe(
        REFUSED.map(([, call]) => call),
        request,
      )
      expect(zip(REFUSED, answers)).toEqual(REFUSED.map(([name, , expected]) => [name, expected]))
    })

    it('may do the rest', () => {
      const answers = probe(ALLOWED.map(([, call]) => call))
      expect(zip(ALLOWED, answers)).toEqual(ALLOWED.map(([name]) => [name, 0]))
    })

    it('may make namespaces with CAP_SYS_ADMIN, or where user namespaces may nest', () => {
      const calls: readonly Call[] = [
        ['native', 272, 0x00020000],
        ['native', 272, 0x10000000],
      ]
      expect(probe(calls, { add: ['SYS_ADMIN'] })).toEqual([0, 0])
      expect(probe([...calls].reverse(), { nested: true })).toEqual([0, 0])
    })

    it('shows the filter and the capabilities in /proc/self/status', () => {
      const argv = ['/bin/grep', '-E', '^(Seccomp|NoNewPrivs|Cap...):', '/proc/self/status']
      const { stdout } = runFixture('confine.ts', { argv })
      expect(stdout.split('\n').map((line) => line.split(/\s+/))).toEqual([
        ['CapInh:', '0000000000000000'],
        ['CapPrm:', '00000000800405fb'],
        ['CapEff:', '00000000800405fb'],
        ['CapBnd:', '00000000800405fb'],
        ['CapAmb:', '0000000000000000'],
        ['NoNewPrivs:', '1'],
        ['Seccomp:', '2'],
        [''],
      ])
    })
  },
)

describe('programs under the filter', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync('/tmp/bryo-test-')
    chmodSync(directory, 0o755)
    writeFileSync(
      join(directory, 'hello.c'),
      '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n',
    )
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it.each([
    ['bash', 'for i in 1 2 3; do (echo $i) | cat; done | sort -r | head -1', '3\n'],
    [
      'python3 with threads',
      `${PYTHON} -c "import threading; t = threading.Thread(target=print, args=('hi',)); t.start(); t.join()"`,
      'hi\n',
    ],
    ['perl', 'perl -e "print fork() ? wait() > 0 : exit"', '1'],
    [
      'node',
      "node -e \"require('fs').promises.readFile('/etc/hostname').then(() => console.log(1))\"",
      '1\n',
    ],
    ['gcc', 'o=$(mktemp) && gcc -o $o hello.c && $o; rm -f $o', 'hello\n'],
    ['apt-get', 'apt-get --version | grep -c ^apt', '1\n'],
    ['dpkg', 'dpkg -l bash | grep -c ^ii', '1\n'],
    ['tar', 'tar -cf - hello.c | tar -tf -', 'hello.c\n'],
  ])('%s works', (name, script, output) => {
    const [program = ''] = name.split(' ')
    if (!existsSync(`/usr/bin/${program}`)) throw new Error(`this machine has no /usr/bin/${program}`)
    const { stdout, stderr, status } = runFixture('confine.ts', {
      argv: ['/bin/bash', '-c', `cd ${directory} && ${script}`],
    })
    expect({ stdout, status, stderr }).toEqual({ stdout: output, status: 0, stderr: '' })
  })

  it('end in an error of execve that can be told where the program is missing', () => {
    const { status, stderr } = runFixture('confine.ts', { argv: ['/nonexistent'] })
    expect(status).toBe(125)
    expect(stderr).not.toContain('Segmentation')
  })
})

function zip(calls: readonly (readonly [string, ...unknown[]])[], answers: unknown): unknown {
  return Array.isArray(answers) ? calls.map(([name], index) => [name, answers[index]]) : answers
}
