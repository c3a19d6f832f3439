import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runFixtureJson } from './run-fixture.ts'

const PROFILE = fileURLToPath(new URL('../../../share/seccomp.json', import.meta.url))
const IS_ROOT = process.getuid?.() === 0

let directory = ''
let cacheDirectory = ''
beforeEach(() => {
  directory = mkdtempSync('/tmp/bryo-test-')
  chmodSync(directory, 0o777)
  cacheDirectory = join(directory, 'cache')
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

interface Loaded {
  readonly length: number
  readonly sum: number
  /** Whether it had to be compiled. */
  readonly libseccomp: boolean
}

const load = (request: object = {}) =>
  runFixtureJson('load.ts', {
    choice: { kind: 'default' },
    defaultProfile: PROFILE,
    cacheDirectory,
    ...request,
  }) as Loaded

const cachedFiles = () => readdirSync(cacheDirectory).map((name) => join(cacheDirectory, name))

describe('loadSeccompFilter()', () => {
  it('compiles once, and from then on reads the same from the cache', () => {
    const compiled = load()
    expect(compiled.libseccomp).toBe(true)
    expect(load()).toEqual({ ...compiled, libseccomp: false })
    expect(cachedFiles()).toHaveLength(1)
  })

  it('keeps the cache private', () => {
    load()
    expect(statSync(cacheDirectory).mode & 0o777).toBe(0o700)
    for (const file of cachedFiles()) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('compiles again for another version, another profile, and other features', () => {
    load()
    const copy = join(directory, 'copy.json')
    copyFileSync(PROFILE, copy)
    chmodSync(copy, 0o644)
    expect(load({ version: '2' }).libseccomp).toBe(true)
    expect(load({ defaultProfile: copy }).libseccomp).toBe(true)
    expect(load({ nested: true }).libseccomp).toBe(true)
    utimesSync(copy, 1, 1)
    expect(load({ defaultProfile: copy }).libseccomp).toBe(true)
    expect(load().libseccomp).toBe(false)
  })

  it("caches a user's profile by its content", () => {
    const path = join(directory, 'own.json')
    const choice = { kind: 'file', path }
    const write = (defaultAction: string) =>
      writeFileSync(path, JSON.stringify({ defaultAction, syscalls: [] }))
    write('SCMP_ACT_ALLOW')
    expect(load({ choice }).libseccomp).toBe(true)
    write('SCMP_ACT_LOG')
    expect(load({ choice }).libseccomp).toBe(true)
    write('SCMP_ACT_ALLOW')
    expect(load({ choice }).libseccomp).toBe(false)
  })

  it('gives no filter for unconfined', () => {
    expect(load({ choice: { kind: 'unconfined' } })).toEqual({ libseccomp: false })
  })

  it('compiles where the cache cannot be written', () => {
    writeFileSync(join(directory, 'file'), '')
    expect(load({ cacheDirectory: join(directory, 'file') }).libseccomp).toBe(true)
    expect(load({ cacheDirectory: '/proc/nowhere' }).libseccomp).toBe(true)
  })

  it('says which profile is missing, or is none', () => {
    const missing = { choice: { kind: 'file', path: '/nonexistent.json' } }
    expect(load(missing)).toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('cannot read seccomp profile "/nonexistent.json": ENOENT'),
    })
    expect(load({ choice: { kind: 'file', path: '/' } })).toMatchObject({ code: 'USAGE' })
    expect(load({ choice: { kind: 'file', path: '/dev/zero' } })).toMatchObject({ code: 'USAGE' })
  })
})

describe('a cached filter', () => {
  const spoil: readonly (readonly [string, (file: string) => void])[] = [
    ['is cut short', (file) => truncateSync(file, statSync(file).size - 5)],
    ['lost its end', (file) => truncateSync(file, statSync(file).size - 8)],
    ['is empty', (file) => truncateSync(file, 0)],
    ['is a header only', (file) => truncateSync(file, 16)],
    ['is not a filter', (file) => writeFileSync(file, 'x'.repeat(800))],
    ['may be written by others', (file) => chmodSync(file, 0o622)],
    ['was compiled by another libseccomp', (file) => replaceIn(file, 'libseccomp.so.2', 'libseccomp.so.1')],
    ['claims a longer header than there is', (file) => patch(file, 12, 0xffffffff)],
  ]

  it.each(spoil)('is compiled again where it %s', (_, act) => {
    const compiled = load()
    for (const file of cachedFiles()) act(file)
    expect(load()).toEqual(compiled)
    expect(load()).toEqual({ ...compiled, libseccomp: false })
  })

  it('is not read through a link', () => {
    const compiled = load()
    const [file = ''] = cachedFiles()
    copyFileSync(file, join(directory, 'elsewhere'))
    chmodSync(join(directory, 'elsewhere'), 0o644)
    rmSync(file)
    symlinkSync(join(directory, 'elsewhere'), file)
    expect(load()).toEqual(compiled)
  })

  it.skipIf(!IS_ROOT)('is not trusted where somebody else owns it (needs root to set up)', () => {
    const compiled = load()
    for (const file of cachedFiles()) {
      chownSync(file, 65534, 65534)
      chmodSync(file, 0o644)
    }
    expect(load()).toEqual(compiled)
    expect(load().libseccomp).toBe(false)
  })

  it.skipIf(!IS_ROOT)('is not left in a directory of somebody else (needs root to set up)', () => {
    mkdirSync(cacheDirectory)
    chmodSync(cacheDirectory, 0o777)
    expect(load().libseccomp).toBe(true)
    expect(cachedFiles()).toEqual([])
  })

  it('makes room: the oldest go', () => {
    load()
    const old = Array.from({ length: 100 }, (_, index) => join(cacheDirectory, `old-${index}.bpf`))
    for (const file of old) {
      writeFileSync(file, '')
      utimesSync(file, 1, 1)
    }
    load({ version: '2' })
    expect(cachedFiles()).toHaveLength(64)
    expect(load().libseccomp).toBe(false)
    expect(load({ version: '2' }).libseccomp).toBe(false)
  })
})

describe('without libseccomp', () => {
  it('says which package is missing, and never goes on unconfined', () => {
    const [, library = ''] = /libseccomp\.so\.2 .*=> (\S+)/.exec(ldconfig()) ?? []
    const hide = ['unshare', '-Urm', 'sh', '-c', 'mount --bind /dev/null "$0" && exec "$@"', library]
    const request = { choice: { kind: 'default' }, defaultProfile: PROFILE, cacheDirectory }
    const error = runFixtureJson('load.ts', request, hide)
    expect(error).toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('expected libseccomp.so.2'),
      hint: expect.stringMatching(/libseccomp2.*--security-opt seccomp=unconfined/),
    })
  })
})

function ldconfig(): string {
  return execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' })
}

function replaceIn(file: string, from: string, to: string): void {
  writeFileSync(file, readFileSync(file, 'latin1').replace(from, to), 'latin1')
}

function patch(file: string, offset: number, value: number): void {
  const content = readFileSync(file)
  content.writeUInt32LE(value, offset)
  writeFileSync(file, content)
}
