import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { BRYO, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

/** Starts a container in the background; gives its id. */
async function detached(flags: readonly string[], command: string): Promise<string> {
  const ended = await bryo(['run', '-d', '--network', 'none', ...flags, IMAGE, 'sh', '-c', command])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout.trim()
}

/** As {@link detached}, and waits for its end. */
async function finished(flags: readonly string[], command: string): Promise<string> {
  const id = await detached(flags, command)
  await bryo(['wait', id])
  return id
}

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force', '--time', '0'])).toMatchObject({ code: 0 })
})

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z`

describe('bryo logs', () => {
  it('shows both streams apart, lines joined, the last one without its line end', async () => {
    const id = await finished([], 'echo one; printf ha; sleep 0.1; echo lf; echo oops >&2; printf end')
    expect(await bryo(['logs', id])).toMatchObject({ code: 0, stdout: 'one\nhalf\nend', stderr: 'oops\n' })
    const timed = await bryo(['logs', '-t', id])
    expect(timed.stdout).toMatch(new RegExp(`^${TIME} one\n${TIME} half\n${TIME} end$`))
    expect(timed.stderr).toMatch(new RegExp(`^${TIME} oops\n$`))
  })

  it('shows the end of a log, and what lies between two times', async () => {
    const id = await finished([], 'echo')
    const times = [1, 2, 3, 4, 5].map((n) => `2026-11-03T12:34:56.00000000${n}Z`)
    const records = times.map((time, index) => `${time} stdout F ${index + 1}\n`)
    writeFileSync(join(world.dataRoot, 'containers', id, 'ctr.log'), records.join(''))
    expect(await bryo(['logs', '--tail', '2', id])).toMatchObject({ code: 0, stdout: '4\n5\n' })
    expect(await bryo(['logs', '--tail', '0', id])).toMatchObject({ code: 0, stdout: '' })
    expect((await bryo(['logs', '--tail', 'all', id])).stdout).toBe('1\n2\n3\n4\n5\n')
    const between = ['--since', times[1] ?? '', '--until', times[3] ?? '']
    expect((await bryo(['logs', ...between, id])).stdout).toBe('2\n3\n4\n')
    expect((await bryo(['logs', '--since', '2026-11-03T12:34:57Z', id])).stdout).toBe('')
    expect((await bryo(['logs', '--until', '2026-11-03T12:34:56Z', id])).stdout).toBe('')
    expect((await bryo(['logs', '--since', '2026-11-01', id])).stdout).toBe('1\n2\n3\n4\n5\n')
  })

  it('shows several containers in the order of time, with ids or names', async () => {
    const first = await finished(['--name', 'first'], 'echo a')
    const second = await finished(['--name', 'second'], 'echo b; echo e >&2')
    const [a, b] = [first.slice(0, 12), second.slice(0, 12)]
    expect(await bryo(['logs', 'second', 'first'])).toMatchObject({
      code: 0,
      stdout: `${a} a\n${b} b\n`,
      stderr: `${b} e\n`,
    })
    expect((await bryo(['logs', '-n', 'second', 'first'])).stdout).toBe('first a\nsecond b\n')
    expect((await bryo(['logs', '--color', '-n', 'second', 'first'])).stdout).toBe(
      '\u001b[31mfirst a\u001b[0m\n\u001b[37msecond b\u001b[0m\n',
    )
    expect((await bryo(['logs', '--latest'])).stdout).toBe('b\n')
  })

  it('follows a container to its end', async () => {
    const id = await detached(
      ['-v', `${world.work}:/w`],
      'echo up; until [ -e /w/go ]; do sleep 0.02; done; echo last',
    )
    const following = world.start(['logs', '-f', id])
    await following.said('up')
    writeFileSync(join(world.work, 'go'), '')
    expect(await following.ended).toMatchObject({ code: 0, stdout: 'up\nlast\n' })
  })

  it('goes on while a container is restarted by its policy', async () => {
    const id = await detached(['--restart', 'on-failure:2'], 'echo try; exit 1')
    expect(await bryo(['logs', '-f', id])).toMatchObject({ code: 0, stdout: 'try\ntry\ntry\n' })
  })

  it('ends when the container that it follows is removed', async () => {
    const id = await detached([], 'echo up; exec sleep 1000')
    const following = world.start(['logs', '-f', id])
    await following.said('up')
    expect(await bryo(['rm', '-f', '-t', '0', id])).toMatchObject({ code: 0 })
    expect(await following.ended).toMatchObject({ code: 0, stdout: 'up\n', stderr: '' })
  })

  it('ends quietly when its reader has gone', async () => {
    const id = await finished([], 'seq 100000')
    const piped = await world.command(['sh', '-c', '"$@" | head -n 1', '-', BRYO, 'logs', id])
    expect(piped).toMatchObject({ code: 0, stdout: '1\n', stderr: '' })
  })

  it('says what is wrong', async () => {
    const said = async (...args: readonly string[]) => {
      const { code, stderr } = await bryo(['logs', ...args])
      return `${code} ${stderr.split('\n')[0]}`
    }
    expect(await said()).toBe('125 Error: specify at least one container name or ID to log')
    expect(await said('nosuch')).toBe(
      '125 Error: no container with name or ID "nosuch" found: no such container',
    )
    expect(await said('-l', 'x')).toBe('125 Error: --latest and containers cannot be used together')
    expect(await said('--since', 'zzz', 'x')).toMatch(/^125 Error: parsing --since: "zzz" is no time/)
    expect(await said('--tail', 'x', 'y')).toMatch(/^125 Error: invalid argument "x" for "--tail" flag/)
    const id = await finished(['--log-driver', 'none'], 'echo lost')
    expect(await said(id)).toBe(
      "125 Error: this container is using the 'none' log driver, cannot read logs: this container is not logging output",
    )
  })
})

describe('log options', () => {
  it('keep a log below its size', async () => {
    const id = await finished(['--log-opt', 'max-size=10k'], 'seq 1000')
    const { stdout } = await bryo(['logs', id])
    expect(stdout.endsWith('999\n1000\n')).toBe(true)
    expect(stdout.split('\n').length).toBeGreaterThan(200)
    const path = join(world.dataRoot, 'containers', id, 'ctr.log')
    for (const file of [path, `${path}.1`]) expect(readFileSync(file).length).toBeLessThanOrEqual(10_000)
    expect(existsSync(`${path}.2`)).toBe(false)
  })

  it('write a file of their own, in the form of Docker, that outlives the container', async () => {
    const path = join(world.work, 'own.log')
    const flags = [
      '--log-driver',
      'json-file',
      '--log-opt',
      'path=own.log',
      '--log-opt',
      'labels=team',
      '-l',
      'team=a',
    ]
    const id = await finished(flags, 'echo one')
    expect((await bryo(['logs', id])).stdout).toBe('one\n')
    await bryo(['rm', id])
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      log: 'one\n',
      stream: 'stdout',
      attrs: { team: 'a' },
      time: expect.stringMatching(new RegExp(`^${TIME}$`)),
    })
  })

  it('have a path of their own written by `run --rm` too', async () => {
    const path = join(world.work, 'rm.log')
    const ended = await bryo([
      'run',
      '--rm',
      '--network',
      'none',
      '--log-opt',
      `path=${path}`,
      IMAGE,
      'echo',
      'one',
    ])
    expect(ended).toMatchObject({ code: 0, stdout: 'one\n' })
    expect(readFileSync(path, 'utf8')).toMatch(/ stdout F one\n$/)
  })

  it('that cannot be are refused before there is a container', async () => {
    const said = async (...flags: readonly string[]) => {
      const { code, stderr } = await bryo(['create', ...flags, IMAGE])
      return `${code} ${stderr.split('\n')[0]}`
    }
    expect(await said('--log-driver', 'foo')).toMatch(
      /^125 Error: invalid argument "foo" for "--log-driver" flag/,
    )
    expect(await said('--log-opt', 'foo=bar')).toMatch(
      /^125 Error: invalid argument "foo=bar" for "--log-opt" flag/,
    )
    expect(await said('--log-opt', 'tag={{.Foo}}')).toMatch(/^125 Error: cannot use the log tag "{{.Foo}}"/)
    expect(await said('--log-opt', 'path=/nosuch/a')).toMatch(/^125 Error: cannot log to "\/nosuch\/a"/)
    expect(await said('-t', '--log-driver', 'passthrough')).toBe(
      '125 Error: cannot use --log-driver passthrough with --tty',
    )
    if (!existsSync('/run/systemd/journal/socket')) {
      expect(await said('--log-driver', 'journald')).toMatch(/^125 Error: cannot log to journald/)
    }
    expect((await bryo(['ps', '-aq'])).stdout).toBe('')
  })

  it('of journald are read back by journalctl', async () => {
    const directory = world.makeDirectory('tools')
    const entry = { MESSAGE: 'from the journal', PRIORITY: '6', __REALTIME_TIMESTAMP: '1793709296123456' }
    writeFileSync(join(directory, 'journalctl'), `#!/bin/sh\necho '${JSON.stringify(entry)}'\n`)
    chmodSync(join(directory, 'journalctl'), 0o755)
    const id = await finished(['--name', 'jour'], 'true')
    const path = join(world.dataRoot, 'containers', id, 'container.json')
    const record = JSON.parse(readFileSync(path, 'utf8'))
    record.config.request.logDriver = 'journald'
    writeFileSync(path, JSON.stringify(record))
    const env = { PATH: `${directory}:${world.env.PATH}` }
    expect(await bryo(['logs', 'jour'], { env })).toMatchObject({ code: 0, stdout: 'from the journal\n' })
  })
})
