import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const CHANGE = [
  'rm /etc/greeting; rm -r /srv; mkdir /srv; echo new > /srv/new; ln /srv/new /srv/linked',
  'chown 1000:1000 /srv/new; truncate -s 3G /sparse; chmod 4755 /bin/not-executable',
].join('; ')

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force'])).toMatchObject({ code: 0 })
})

const make = async (name: string, flags: readonly string[] = [], script = CHANGE): Promise<void> => {
  const ended = await bryo(['run', '--name', name, '--network', 'none', ...flags, IMAGE, 'sh', '-c', script])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
}
const commit = async (...args: readonly string[]): Promise<string> => {
  const ended = await bryo(['commit', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  expect(ended.stdout).toMatch(/^[0-9a-f]{64}\n$/)
  return ended.stdout.trim()
}
const shown = async (image: string, script: string): Promise<string> => {
  const ended = await bryo(['run', '--rm', '--network', 'none', image, 'sh', '-c', script])
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
  return ended.stdout
}
const inspected = async (image: string, format: string): Promise<string> =>
  (await bryo(['image', 'inspect', '--format', format, image])).stdout.trim()

describe('bryo commit', () => {
  it.each([[], ['--storage-driver', 'fuse-overlayfs']])(
    'makes an image of the changes %s',
    async (...flags) => {
      const made = await bryo([
        ...[...flags, 'run', '--name', 'web', '--network', 'none'],
        ...[IMAGE, 'sh', '-c', CHANGE],
      ])
      expect(made, made.stderr).toMatchObject({ code: 0 })
      const committed = await bryo([...flags, 'commit', 'web', 'web:patched'])
      expect(committed, committed.stderr).toMatchObject({ code: 0 })
      const look =
        'ls /etc; ls /srv; stat -c "%u %h" /srv/linked; du -k /sparse | cut -f1; stat -c %a /bin/not-executable'
      expect((await shown('web:patched', look)).split('\n')).toEqual([
        ...['group', 'hostname', 'hosts', 'passwd', 'resolv.conf'],
        ...['linked', 'new', '1000 2', '0', '4755', ''],
      ])
      expect(await bryo(['rmi', 'web:patched'])).toMatchObject({ code: 0 })
    },
  )

  it('takes the settings of the container and the changes into the configuration', async () => {
    await make('web', ['-e', 'A=1', '-w', '/srv', '-u', 'ana', '-l', 'own=yes', '-v', '/anon'], 'true')
    const file = join(world.work, 'id')
    const id = await commit(
      ...['-a', 'Ana', '-m', 'a remark', '-c', 'ENV B=2', '-c', 'CMD ["/bin/id", "-u"]', '-c', 'LABEL x=y'],
      ...['--iidfile', file, 'web', 'web:set'],
    )
    expect(readFileSync(file, 'utf8')).toBe(id)
    const config = JSON.parse(await inspected('web:set', '{{json .Config}}'))
    expect(config).toMatchObject({
      Env: ['A=1', 'B=2'],
      Cmd: ['/bin/id', '-u'],
      WorkingDir: '/srv',
      User: 'ana',
      Labels: { own: 'yes', x: 'y' },
      Volumes: { '/anon': {} },
    })
    expect(await inspected('web:set', '{{.Author}}')).toBe('Ana')
    const ended = await bryo(['run', '--rm', '--network', 'none', 'web:set'])
    expect(ended).toMatchObject({ code: 0, stdout: '1000\n' })
    expect(await bryo(['rmi', 'web:set'])).toMatchObject({ code: 0 })
  })

  it('gives the same layer for the same content, and another manifest for each format', async () => {
    await make('web')
    await commit('web', 'first')
    await commit('-f', 'docker', 'web', 'second')
    const layers = await Promise.all(['first', 'second'].map((name) => inspected(name, '{{json .RootFS}}')))
    expect(layers[0]).toBe(layers[1])
    expect(await inspected('second', '{{.ManifestType}}')).toContain('docker')
    expect(await bryo(['rmi', 'first', 'second'])).toMatchObject({ code: 0 })
  })

  it('can be repeated on what it has made, and squashed', async () => {
    await make('web')
    await commit('web', 'one')
    const second = await bryo([
      ...['run', '--name', 'next', '--network', 'none', 'one'],
      ...['sh', '-c', 'echo again > /srv/new; rm /srv/linked'],
    ])
    expect(second, second.stderr).toMatchObject({ code: 0 })
    await commit('next', 'two')
    await commit('--squash', 'next', 'flat')
    expect(JSON.parse(await inspected('two', '{{json .RootFS.Layers}}'))).toHaveLength(3)
    expect(JSON.parse(await inspected('flat', '{{json .RootFS.Layers}}'))).toHaveLength(1)
    for (const image of ['two', 'flat']) expect(await shown(image, 'cat /srv/*')).toBe('again\n')
    expect(await bryo(['rm', '--all'])).toMatchObject({ code: 0 })
    expect(await bryo(['rmi', 'one', 'two', 'flat'])).toMatchObject({ code: 0 })
  })

  it('commits a running container, and leaves nothing where it fails', async () => {
    const running = world.start([
      ...['run', '--rm', '--name', 'busy', '--network', 'none'],
      ...[IMAGE, 'sh', '-c', 'echo live > /live; echo up; sleep 1000'],
    ])
    await running.said('up')
    await commit('busy', 'live')
    expect(await shown('live', 'cat /live')).toBe('live\n')
    expect(await bryo(['rmi', 'live'])).toMatchObject({ code: 0 })
    const before = world.listing()
    for (const args of [
      ['-c', 'NONSENSE x', 'busy'],
      ['busy', 'Upper'],
      ['--pause', 'busy'],
    ]) {
      expect(await bryo(['commit', ...args])).toMatchObject({ code: 125, stdout: '' })
    }
    expect(world.listing()).toEqual(before)
    expect(await bryo(['rm', '-f', 'busy'])).toMatchObject({ code: 0 })
    await running.ended
  })

  it('refuses a name that would delete a file of the image', async () => {
    await make('odd', [], 'touch /etc/.wh.passwd')
    const ended = await bryo(['commit', 'odd', 'odd'])
    expect(ended).toMatchObject({ code: 125, stdout: '' })
    expect(ended.stderr).toContain('a name that starts with .wh.')
  })
})
