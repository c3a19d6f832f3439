import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const CHANGE = [
  'echo more >> /etc/greeting; rm /srv/index.html; mkdir -p /new/deep; echo x > /new/deep/file',
  'rm -r /home/ana; mkdir /home/ana; echo x > /home/ana/fresh; chmod 700 /root',
].join('; ')
const EXPECTED = [
  'C /etc',
  'C /etc/greeting',
  'C /home',
  'C /home/ana',
  'A /home/ana/fresh',
  'A /new',
  'A /new/deep',
  'A /new/deep/file',
  'C /root',
  'C /srv',
  'D /srv/index.html',
]

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

const run = async (name: string, flags: readonly string[], script: string): Promise<void> => {
  const ended = await bryo(['run', '--name', name, '--network', 'none', ...flags, IMAGE, 'sh', '-c', script])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
}
const linesOf = async (...args: readonly string[]): Promise<readonly string[]> => {
  const ended = await bryo(['diff', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.split('\n').filter((line) => line !== '')
}

describe('bryo diff', () => {
  it.each([[], ['--storage-driver', 'fuse-overlayfs']])(
    'lists what a container has changed %s',
    async (...flags) => {
      const ended = await bryo([
        ...[...flags, 'run', '--name', 'changed', '--network', 'none'],
        ...[IMAGE, 'sh', '-c', CHANGE],
      ])
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      const listed = await bryo([...flags, 'diff', 'changed'])
      expect(listed.stdout.trim().split('\n')).toEqual(EXPECTED)
    },
  )

  it('prints lists by kind as JSON, and lines by a template', async () => {
    await run('changed', [], CHANGE)
    const json = await bryo(['diff', '--format', 'json', 'changed'])
    expect(JSON.parse(json.stdout)).toEqual({
      changed: expect.arrayContaining(['/etc/greeting']),
      added: ['/home/ana/fresh', '/new', '/new/deep', '/new/deep/file'],
      deleted: ['/srv/index.html'],
    })
    expect(await linesOf('--format', '{{.Path}}={{.Kind}}', 'changed')).toContain('/new=A')
  })

  it('finds nothing in a container that has not run, and says so of a running one as it is', async () => {
    expect(await bryo(['create', '--name', 'fresh', IMAGE, 'true'])).toMatchObject({ code: 0 })
    expect(await linesOf('fresh')).toEqual([])
    const running = world.start([
      ...['run', '--rm', '--name', 'busy', '--network', 'none'],
      ...[IMAGE, 'sh', '-c', 'touch /now; echo up; sleep 1000'],
    ])
    await running.said('up')
    expect(await linesOf('busy')).toContain('A /now')
    expect(await bryo(['rm', '-f', 'busy'])).toMatchObject({ code: 0 })
    await running.ended
  })

  it('compares two as a whole', async () => {
    await run('one', [], 'echo 1 > /one; rm /etc/greeting')
    await run('two', [], 'echo 2 > /two')
    const lines = await linesOf('one', 'two')
    expect(lines).toEqual(expect.arrayContaining(['A /one', 'D /two', 'D /etc/greeting']))
    expect(lines).not.toContain('C /bin')
  })

  it('lists the top layer of an image, and each name on one line', async () => {
    expect(await linesOf(IMAGE)).toEqual(expect.arrayContaining(['A /bin/busybox', 'A /etc/greeting']))
    expect((await bryo(['image', 'diff', IMAGE])).stdout).toContain('A /bin/busybox\n')
    await run('odd', [], `touch "/$(printf 'a\\nb\\033')"`)
    expect(await linesOf('odd')).toContain('A /a\\x0ab\\x1b')
  })

  it('refuses what is neither container nor image', async () => {
    const ended = await bryo(['diff', 'nothing'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('"nothing" not found: no such container or image')
    expect(await bryo(['container', 'diff', IMAGE])).toMatchObject({ code: 125 })
  })
})
