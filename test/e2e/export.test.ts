import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const CHANGES = [
  'rm /etc/greeting; rm -r /srv; mkdir /srv; echo new > /srv/new; ln /srv/new /srv/linked',
  'chown 1000:1000 /srv/new; chmod 2750 /home/ana; truncate -s 3G /sparse; echo hidden > /data/volume',
  'echo ready; sleep 1000',
].join('; ')

beforeAll(async () => {
  const running = await bryo([
    ...['run', '-d', '--name', 'web', '--network', 'none', '-v', 'data:/data'],
    ...[IMAGE, 'sh', '-c', CHANGES],
  ])
  expect(running, running.stderr).toMatchObject({ code: 0 })
  const logs = world.start(['logs', '-f', 'web'])
  await logs.said('ready')
  logs.kill('SIGTERM')
  await logs.ended
})
afterAll(() => bryo(['rm', '--all', '--force']))

const exportTo = async (name: string, file: string): Promise<readonly string[]> => {
  const path = join(world.work, file)
  const ended = await bryo(['export', '-o', path, name])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: '', stderr: '' })
  const listed = await world.command(['tar', '-tvf', path, '--numeric-owner'])
  expect(listed).toMatchObject({ code: 0, stderr: '' })
  return listed.stdout.trim().split('\n')
}
const line = (lines: readonly string[], path: string) =>
  lines.find((candidate) => candidate.endsWith(` ${path}`) || candidate.includes(` ${path} link to `))

describe('bryo export', () => {
  it('writes what shows of a running container, with owners as inside, without its volumes', async () => {
    const lines = await exportTo('web', 'web.tar')
    expect(line(lines, 'etc/greeting')).toBeUndefined()
    expect(line(lines, 'srv/index.html')).toBeUndefined()
    expect(line(lines, 'srv/linked')).toMatch(/^-rw-r--r-- 1000\/1000/)
    expect(line(lines, 'srv/new')).toMatch(/ link to srv\/linked$/)
    expect(line(lines, 'home/ana/')).toMatch(/^drwxr-s---/)
    expect(line(lines, 'data/volume')).toBeUndefined()
    expect(lines.filter((entry) => / (?:proc|sys|dev)\/./.test(entry))).toEqual([])
    expect(statSync(join(world.work, 'web.tar')).size).toBeLessThan(20 * 1024 ** 2)
  })

  it('gives the same for a container that has ended, and can be imported again', async () => {
    await bryo(['stop', '-t', '0', 'web'])
    const lines = await exportTo('web', 'ended.tar')
    expect(line(lines, 'srv/linked')).toMatch(/^-rw-r--r-- 1000\/1000/)
    const imported = await bryo(['import', join(world.work, 'ended.tar'), 'flat'])
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
    const shown = await bryo(['run', '--rm', '--network', 'none', 'flat', 'cat', '/srv/new'])
    expect(shown, shown.stderr).toMatchObject({ code: 0, stdout: 'new\n' })
    expect(await bryo(['rmi', 'flat'])).toMatchObject({ code: 0 })
  })

  it('writes the image of a container that has never run', async () => {
    expect(await bryo(['create', '--name', 'fresh', IMAGE, 'true'])).toMatchObject({ code: 0 })
    expect(line(await exportTo('fresh', 'fresh.tar'), 'etc/greeting')).toMatch(/^-rw-r--r-- 0\/0/)
  })

  it('leaves no file behind where it fails, and none of an unknown container', async () => {
    const path = join(world.work, 'none.tar')
    const ended = await bryo(['export', '-o', path, 'nobody'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('no container with name or ID "nobody"')
    expect(existsSync(path)).toBe(false)
  })

  it('ends without a word where nobody reads any more', async () => {
    const ended = await world.command([
      'sh',
      '-c',
      '{ "$1" export web; echo "$?" >&2; } | head -c 1000 > /dev/null',
      'sh',
      process.env.BRYO_TEST_PROGRAM ?? join(import.meta.dirname, '../../bin/bryo'),
    ])
    expect(ended.stderr).toBe('141\n')
  })
})
