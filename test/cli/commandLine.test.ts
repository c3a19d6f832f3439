import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { VERSION } from '../../src/base/version.ts'
import { bryo } from './support/bryo.ts'

const root = mkdtempSync(join(tmpdir(), 'bryo-cli-'))
const STORE = ['--root', join(root, 'data'), '--runroot', join(root, 'run')]
afterAll(() => rmSync(root, { recursive: true }))

describe('the command line', () => {
  it('says its version, by one name and number', () => {
    expect(bryo(['--version'])).toEqual({ code: 0, stdout: `bryo version ${VERSION}\n`, stderr: '' })
    expect(bryo(['-v'], { env: { BRYO_ARGV0: 'docker' } }).stdout).toBe(`docker version ${VERSION}\n`)
    expect(bryo(['--debug', '--version']).stdout).toBe(`bryo version ${VERSION}\n`)
    expect(bryo(['version', '-f', '{{.Version}} {{.Client.Version}}']).stdout).toBe(`${VERSION} ${VERSION}\n`)
    expect(packageJson.version).toBe(VERSION)
  })

  it('reads logins from the directory that --config names', () => {
    const auth = Buffer.from('ana:secret').toString('base64')
    writeFileSync(join(root, 'config.json'), JSON.stringify({ auths: { 'registry.example': { auth } } }))
    const argv = ['login', '--get-login', 'registry.example']
    expect(bryo([...STORE, '--config', root, ...argv])).toMatchObject({ code: 0, stdout: 'ana\n' })
    expect(bryo([...STORE, '--config', join(root, 'none'), ...argv])).toMatchObject({ stdout: '' })
  })

  it.each([
    [['--remote', 'ps'], 'cannot use --remote: there is no service'],
    [['-H', 'ssh://x', 'ps'], 'cannot use --host: there is no service'],
    [['--runtime', 'runc', 'run', 'x'], 'cannot use --runtime: '],
    [['--cgroup-manager=cgroupfs', 'run', 'x'], 'cannot use --cgroup-manager: '],
  ])('refuses what has no meaning before the command: %j', (argv, message) => {
    expect(bryo(argv)).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining(message) })
    expect(bryo(['--remote=false', '--events-backend', 'file', '--version']).code).toBe(0)
  })

  it('shows the same help of a command in each of the ways to ask', () => {
    const help = bryo(['run', '--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('Usage:\n  bryo run [options] IMAGE [COMMAND [ARG...]]')
    expect(help.stdout).toMatch(/\n {2}-v, --volume \S+ +Mount/)
    for (const argv of [
      ['help', 'run'],
      ['--help', 'run'],
      ['run', '--rm', '--help', 'x'],
    ]) {
      expect(bryo(argv)).toEqual(help)
    }
    expect(bryo(['ps', '-h'])).toEqual(bryo(['ps', '--help']))
  })

  it('shows the help of groups and of their commands', () => {
    expect(bryo(['image', '--help']).stdout).toContain('bryo image COMMAND')
    expect(bryo(['help', 'image', 'ls']).stdout).toContain('Usage:\n  bryo image ls [options]')
    expect(bryo(['image', 'help', 'ls'])).toEqual(bryo(['image', 'ls', '--help']))
  })

  it('fails with its help where the command is missing', () => {
    const alone = bryo([])
    expect(alone).toMatchObject({ code: 125, stderr: "Error: missing command 'bryo COMMAND'\n" })
    expect(alone.stdout).toBe(bryo(['--help']).stdout)
    expect(bryo(['image']).stderr).toBe("Error: missing command 'bryo image COMMAND'\n")
  })

  it.each([
    [['nope'], 'unrecognized command `bryo nope`', "Try 'bryo --help' for more information"],
    [['rnu'], 'unrecognized command `bryo rnu`', "did you mean run? Try 'bryo --help' for more information"],
    [
      ['image', 'lss'],
      'unrecognized command `bryo image lss`',
      "did you mean ls? Try 'bryo image --help' for more information",
    ],
    [['--nope', 'run'], 'unknown flag: --nope', "See 'bryo --help'"],
    [['run', '--nope', 'x'], 'unknown flag: --nope', "See 'bryo run --help'"],
    [['run', '-Q'], "unknown shorthand flag: 'Q' in -Q", "See 'bryo run --help'"],
    [['run', '--name'], 'flag needs an argument: --name', "See 'bryo run --help'"],
    [['run'], 'requires at least 1 arg(s), only received 0', "See 'bryo run --help'"],
    [['image', 'ls', '--nope'], 'unknown flag: --nope', "See 'bryo image ls --help'"],
    [['version', 'x'], '`bryo version` takes no arguments', "See 'bryo version --help'"],
    [['completion', 'a', 'b'], 'accepts at most 1 arg(s), received 2', "See 'bryo completion --help'"],
    [
      ['--log-level', 'loud', 'ps'],
      'invalid argument "loud" for "--log-level" flag: expected one of trace, debug, info, warn, warning, error, fatal, panic',
      "See 'bryo --help'",
    ],
  ])('refuses %j', (argv, message, hint) => {
    expect(bryo(argv)).toEqual({ code: 125, stdout: '', stderr: `Error: ${message}\n${hint}\n` })
  })

  it('names itself as it was called', () => {
    expect(bryo(['ps', '--nope'], { env: { BRYO_ARGV0: 'docker' } }).stderr).toContain(
      "See 'docker ps --help'",
    )
  })

  it('takes global flags before and behind the command, and behind a group', () => {
    const empty = { code: 0, stdout: '', stderr: '' }
    expect(bryo([...STORE, 'images', '-q'])).toEqual(empty)
    expect(bryo(['images', '-q', ...STORE])).toEqual(empty)
    expect(bryo(['image', ...STORE, 'ls', '-q'])).toEqual(empty)
    expect(bryo([...STORE, 'container', 'list', '-q'])).toEqual(empty)
  })

  it('shows where it happened only when asked', () => {
    const quiet = bryo(['ps', '--nope'])
    for (const outcome of [
      bryo(['--debug', 'ps', '--nope']),
      bryo(['--log-level=debug', 'ps', '--nope']),
      bryo(['ps', '--nope'], { env: { BRYO_DEBUG: '1' } }),
    ]) {
      expect(outcome.stderr.startsWith(quiet.stderr)).toBe(true)
      expect(outcome.stderr).toContain('    at ')
    }
  })

  it('keeps escape sequences of names from the terminal', () => {
    expect(bryo(['\u001b[31mred\u0007']).stderr).toContain(
      'Error: unrecognized command `bryo \\x1b[31mred\\x07`',
    )
  })

  it('answers the shell’s question for completions', () => {
    const outcome = bryo(['__complete', 'version', '--for'])
    expect(outcome.stdout).toBe('--format\tPrint as json, or with a Go template\n:4\n')
    expect(outcome.stderr).toBe('Completion ended with directive: ShellCompDirectiveNoFileComp\n')
    expect(bryo(['__completeNoDesc', 'version', '--for']).stdout).toBe('--format\n:4\n')
  })
})

describe('output', () => {
  const write = (script: string, shell: string) => {
    const output = new URL('../../src/cli/output.ts', import.meta.url).pathname
    const bun = new URL('../../node_modules/@oven/bun-linux-x64/bin/bun', import.meta.url).pathname
    const code = `import { OutputClosed, writeErr, writeOut } from '${output}'; ${script}`
    return spawnSync('bash', ['-c', shell], {
      encoding: 'utf8',
      env: { ...process.env, BUN: bun, CODE: code },
    })
  }

  it('ends without a word where its reader has gone', () => {
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
    const run = write('', `"$BUN" ${main} images --help | :; echo "\${PIPESTATUS[0]}"`)
    expect(run.stderr).toBe('')
    expect(['0\n', '141\n']).toContain(run.stdout)
    const closed = write(
      'for (;;) try { writeOut("x".repeat(9999)) } catch (error) { process.exit(error instanceof OutputClosed ? 7 : 1) }',
      '"$BUN" -e "$CODE" | head -c 1 >/dev/null; exit "${PIPESTATUS[0]}"',
    )
    expect(closed.status).toBe(7)
  })

  it('waits for the reader of a pipe that does not block', () => {
    const nonblocking =
      'import fcntl,os,sys; fcntl.fcntl(1,fcntl.F_SETFL,os.O_NONBLOCK|fcntl.fcntl(1,fcntl.F_GETFL)); os.execv(sys.argv[1],sys.argv[1:])'
    const run = write(
      'writeOut("x".repeat(30_000_000))',
      `python3 -c '${nonblocking}' "$BUN" -e "$CODE" | wc -c`,
    )
    expect(run.stderr).toBe('')
    expect(run.stdout.trim()).toBe('30000000')
  })

  it('takes a closed standard error for nobody’s failure', () => {
    expect(write('writeErr("x"); process.exit(3)', '"$BUN" -e "$CODE" 2>&-').status).toBe(3)
  })

  it('fails where standard output cannot be written', () => {
    const full = openSync('/dev/full', 'w')
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
    const bun = new URL('../../node_modules/@oven/bun-linux-x64/bin/bun', import.meta.url).pathname
    const run = spawnSync(bun, [main, '--help'], { encoding: 'utf8', stdio: ['ignore', full, 'pipe'] })
    closeSync(full)
    expect(run.status).toBe(125)
    expect(run.stderr).toContain('no space left on device')
  })
})
