import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const PROGRAM = process.env.BRYO_TEST_PROGRAM ?? new URL('../../bin/bryo', import.meta.url).pathname

/** A script inside of unshare, with bryo as a function. */
const unshared = (script: string) =>
  bryo(['unshare', 'sh', '-c', `bryo() { "$0" "$@"; }; ${script}`, PROGRAM])

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

describe('bryo mount', () => {
  it.each(['mount', 'unmount', 'umount'])('says where it works: %s', async (command) => {
    const ended = await bryo([command, 'any'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('must execute "bryo unshare" first')
  })

  it('shows the root of a stopped container, which can be changed, until unshare ends', async () => {
    expect(await bryo(['create', '--name', 'web', IMAGE, 'cat', '/etc/added'])).toMatchObject({ code: 0 })
    const ended = await unshared(
      'm=$(bryo mount web); cat "$m/etc/greeting"; echo added > "$m/etc/added"; bryo mount web | grep -cxF "$m"',
    )
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'hello from the image\n1\n' })
    expect(await bryo(['start', '-a', 'web'])).toMatchObject({ code: 0, stdout: 'added\n' })
  })

  it('shows a running container read-only', async () => {
    const running = world.start([
      ...['run', '--rm', '--name', 'busy', '--network', 'none'],
      ...[IMAGE, 'sh', '-c', 'rm /etc/greeting; echo live > /live; echo up; sleep 1000'],
    ])
    await running.said('up')
    const ended = await unshared(
      'm=$(bryo mount busy); cat "$m/live"; ls "$m/etc/greeting"; touch "$m/new"; true',
    )
    expect(ended.stdout).toBe('live\n')
    expect(ended.stderr).toMatch(/No such file[\s\S]*Read-only file system/)
    expect(await bryo(['rm', '-f', 'busy'])).toMatchObject({ code: 0 })
    await running.ended
  })

  it('lists and unmounts', async () => {
    for (const name of ['one', 'two'])
      expect(await bryo(['create', '--name', name, IMAGE, 'true'])).toMatchObject({ code: 0 })
    const ended = await unshared(
      [
        'bryo mount --all | wc -l; bryo mount | wc -l; bryo mount --format json | grep -c mountpoint',
        'cd "$(bryo mount one)"; bryo unmount one; echo $?; cd /; bryo unmount one; bryo unmount one; echo $?',
        'bryo umount --all | wc -l; bryo mount',
      ].join('; '),
    )
    expect(ended.stdout.split('\n').map((text) => text.trim())).toEqual([
      '2',
      '2',
      '2',
      '125',
      'one',
      '125',
      '1',
      '',
    ])
    expect(ended.stderr).toMatch(/files in it are in use[\s\S]*it is not mounted/)
  })
})
