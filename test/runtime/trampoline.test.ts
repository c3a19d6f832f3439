import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { MACHINE_CODE } from '../../src/runtime/stage/trampoline/code.ts'
import { buildTrampoline, type TrampolineParameters } from '../../src/runtime/stage/trampoline/elf.ts'

const SOURCES = fileURLToPath(new URL('../../src/runtime/stage/trampoline/', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'bryo-trampoline-'))
afterAll(() => rmSync(directory, { recursive: true }))

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0
}

const NATIVE = process.arch === 'arm64' ? 'arm64' : 'x64'

describe.each([
  ['x64', 'x86_64.S', 'x86_64-linux-gnu-'],
  ['arm64', 'aarch64.S', 'aarch64-linux-gnu-'],
] as const)('the machine code for %s', (architecture, source, prefix) => {
  const tools = [prefix, ...(NATIVE === architecture ? [''] : [])].find((start) => isInstalled(`${start}as`))

  it.skipIf(tools === undefined)(`is what ${source} says (skipped without binutils for it)`, () => {
    const object = join(directory, `${architecture}.o`)
    const binary = join(directory, `${architecture}.bin`)
    execFileSync(`${tools}as`, ['-o', object, join(SOURCES, source)])
    execFileSync(`${tools}objcopy`, ['-O', 'binary', '-j', '.text', object, binary])
    expect(readFileSync(binary, 'hex')).toBe(MACHINE_CODE[architecture].join(''))
  })

  it('is where the ELF header says that execution begins', () => {
    const program = buildTrampoline({ reportFd: 3, seccomp: undefined, label: undefined }, architecture)
    expect(program.toString('latin1', 0, 4)).toBe('\x7fELF')
    const [entry, address] = [24, 64 + 16].map((at) => Number(program.readBigUInt64LE(at)))
    const code = MACHINE_CODE[architecture].join('')
    expect(program.toString('hex', (entry ?? 0) - (address ?? 0)).slice(0, code.length)).toBe(code)
  })
})

/** What the trampoline does with fd 3 as its report and fd 4 as the directory of its label. */
function run(
  argv: readonly string[],
  parameters: Partial<TrampolineParameters> = {},
  procFd: number | 'ignore' = 'ignore',
) {
  const path = join(directory, 'trampoline')
  rmSync(path, { force: true })
  const whole = { reportFd: 3, seccomp: undefined, label: undefined, ...parameters }
  writeFileSync(path, buildTrampoline(whole), { mode: 0o755 })
  const [argv0 = '', ...rest] = argv
  const ended = spawnSync(path, rest, {
    argv0,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', procFd],
    env: { SEEN: 'yes' },
  })
  const [, stdout, stderr, report] = ended.output
  const numbers = [...new Uint32Array(Uint8Array.from(report ?? []).buffer)]
  return { status: ended.status, stdout: String(stdout), stderr: String(stderr), report: numbers }
}

describe.runIf(process.arch === 'x64' || process.arch === 'arm64')('the trampoline', () => {
  it('executes argv[0] with the rest as its argv, and the environment as it is', () => {
    const argv = [
      '/bin/sh',
      'name',
      '-c',
      'echo "$0|$1|$SEEN"; test -e /proc/self/fd/3 || echo closed',
      'a',
      'b c',
    ]
    expect(run(argv)).toEqual({ status: 0, stdout: 'a|b c|yes\nclosed\n', stderr: '', report: [] })
  })

  it('reports step and errno of what it cannot execute', () => {
    const ENOENT = 2
    expect(run(['/nonexistent', 'name'])).toMatchObject({ status: 127, stdout: '', report: [3, ENOENT] })
  })

  it('refuses where nobody waits for its report', () => {
    const ended = run(['/bin/echo', 'echo'], { reportFd: 9 })
    expect(ended).toMatchObject({ status: 126, stdout: '', report: [] })
    expect(ended.stderr).toMatch(/^Error: cannot execute "\/proc\/self\/exe": /)
  })

  it('writes the label below a directory that the workload does not get', () => {
    const attribute = join(directory, 'thread-self/attr/exec')
    mkdirSync(join(directory, 'thread-self/attr'), { recursive: true })
    writeFileSync(attribute, '')
    const label = { procFd: 4, attribute: 'thread-self/attr/exec', text: 'exec profile' }
    const argv = ['/bin/sh', 'sh', '-c', 'test -e /proc/self/fd/4 || echo closed']
    expect(run(argv, { label }, openSync(directory, 'r'))).toMatchObject({ status: 0, stdout: 'closed\n' })
    expect(readFileSync(attribute, 'utf8')).toBe('exec profile')
    const missing = run(argv, { label: { ...label, attribute: 'none' } }, openSync(directory, 'r'))
    expect(missing).toMatchObject({ status: 127, stdout: '', report: [1, 2] })
  })

  it('reports a filter that the kernel refuses', () => {
    const EINVAL = 22
    const program = Buffer.alloc(8)
    const ended = run(['/bin/echo', 'echo'], { seccomp: { program, flags: 0 } })
    expect(ended.report[0]).toBe(2)
    expect([EINVAL, 13]).toContain(ended.report[1])
  })
})
