import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Ended } from './support/command.ts'
import { give, IMAGE, openWorld, type World } from './support/world.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
const world = await openWorld()

/** What the test user does with an installation of its own. */
async function tryOut(program: string, use: World = world): Promise<void> {
  const call = (args: readonly string[], cwd?: string): Promise<Ended> =>
    use.command([program, ...args], { ...(cwd !== undefined && { cwd }) })
  expect(await call(['version'])).toMatchObject({ code: 0, stderr: '' })
  expect(await call(['run', '--rm', IMAGE, 'echo', 'from an installation'], '/')).toMatchObject({
    code: 0,
    stdout: 'from an installation\n',
    stderr: '',
  })
  // Under another name, by a link of the user's own.
  const link = `${use.work}/docker`
  await use.command(['ln', '-sfn', program, link])
  const failed = await use.command([link, 'run', '--no-such-flag'])
  expect(failed.stderr).toContain("See 'docker run --help'")
}

describe('make install', () => {
  it('gives a working bryo below a prefix, and make uninstall takes all of it away', async () => {
    const prefix = world.makeDirectory('prefix')
    const make = (target: string) =>
      execFileSync('sh', [
        `${CHECKOUT}/scripts/install`,
        ...(target === 'uninstall' ? ['--uninstall'] : []),
        prefix,
      ])
    make('install')
    give(prefix)
    await tryOut(`${prefix}/bin/bryo`)
    expect(readlinkSync(`${prefix}/bin/bryo`)).toBe('../lib/bryo/bin/bryo')
    for (const path of [
      'share/man/man1/bryo-run.1',
      'share/bash-completion/completions/bryo',
      'share/zsh/site-functions/_bryo',
      'share/fish/vendor_completions.d/bryo.fish',
    ]) {
      expect(existsSync(`${prefix}/${path}`), path).toBe(true)
    }
    // Over an installation that is there already.
    make('install')
    make('uninstall')
    const left = readdirSync(prefix, { recursive: true, withFileTypes: true }).filter(
      (entry) => !entry.isDirectory(),
    )
    expect(left.map(({ name }) => name)).toEqual([])
  })

  it('leaves a bryo alone that somebody else has put there', async () => {
    const prefix = world.makeDirectory('foreign')
    mkdirSync(`${prefix}/bin`)
    copyFileSync('/bin/true', `${prefix}/bin/bryo`)
    execFileSync('sh', [`${CHECKOUT}/scripts/install`, prefix], { stdio: 'pipe' })
    execFileSync('sh', [`${CHECKOUT}/scripts/install`, '--uninstall', prefix])
    expect(existsSync(`${prefix}/bin/bryo`)).toBe(true)
  })
})

const hasNpm = (process.env.PATH ?? '').split(':').some((place) => existsSync(`${place}/npm`))

describe.runIf(hasNpm)('npm install -g of the packed project (skipped without npm)', () => {
  it('gives a working bryo below a prefix', async () => {
    const prefix = world.makeDirectory('npm')
    const packed = world.makeDirectory('packed')
    const env = {
      ...process.env,
      npm_config_cache: process.env.npm_config_cache ?? `${world.work}/npm-cache`,
    }
    const copy = `${packed}/checkout`
    cpSync(CHECKOUT, copy, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/\/(?:\.git|node_modules|\.dist\.[^/]*)$/.test(path),
    })
    // The bundle that is under test is packed, not a new one.
    const [tarball = ''] = execFileSync(
      'npm',
      ['pack', '--ignore-scripts', '--silent', '--pack-destination', packed],
      { cwd: copy, env, encoding: 'utf8' },
    )
      .trim()
      .split('\n')
    execFileSync(
      'npm',
      [
        'install',
        '--global',
        '--prefix',
        prefix,
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        `${packed}/${tarball}`,
      ],
      { cwd: packed, env, stdio: 'pipe' },
    )
    give(prefix)
    await tryOut(`${prefix}/bin/bryo`)
    expect(existsSync(`${prefix}/share/man/man1/bryo-run.1`)).toBe(true)
  }, 240_000)
})
