import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { packDirectory, writeDockerArchive, writeOciLayout } from './support/archive.ts'
import { startRegistry } from './support/registry.ts'
import { BRYO, give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']
const layer = readFileSync(world.archive)
const directory = world.makeDirectory('archives')
writeOciLayout(`${directory}/oci`, layer, 'localhost/oci:1')
packDirectory(`${directory}/oci`, `${directory}/oci.tar`)
writeDockerArchive(`${directory}/docker.tar`, layer, 'localhost/docker:2')
give(directory)

describe('bryo load', () => {
  it.each([
    ['an OCI directory', ['-i', `${directory}/oci`], 'localhost/oci:1', 'default'],
    ['an OCI archive', ['-i', `${directory}/oci.tar`], 'localhost/oci:1', 'default'],
    ['a docker archive', ['-i', `${directory}/docker.tar`], 'localhost/docker:2', 'hello from the image'],
  ])('takes %s', async (_what, args, name, said) => {
    const loaded = await bryo(['load', ...args])
    expect(loaded).toMatchObject({ code: 0, stdout: `Loaded image: ${name}\n` })
    expect(await bryo(['run', '--rm', ...NO_NETWORK, name])).toMatchObject({ code: 0, stdout: `${said}\n` })
    expect(await bryo(['rmi', name])).toMatchObject({ code: 0 })
  })

  it('takes standard input', async () => {
    const loaded = await world.command(['sh', '-c', `"$1" load < ${directory}/oci.tar`, '-', BRYO])
    expect(loaded).toMatchObject({ code: 0, stdout: 'Loaded image: localhost/oci:1\n' })
  })

  it('honours the configuration of the image', async () => {
    const run = (...args: readonly string[]) => bryo(['run', '--rm', ...NO_NETWORK, ...args])
    expect((await run('localhost/oci:1', 'id -un; pwd; echo $FROM_IMAGE')).stdout).toBe('ana\n/srv\nyes\n')
    expect(
      (
        await run(
          '-u',
          'root',
          '-w',
          '/',
          '-e',
          'FROM_IMAGE=no',
          'localhost/oci:1',
          'id -un; pwd; echo $FROM_IMAGE',
        )
      ).stdout,
    ).toBe('root\n/\nno\n')
    expect((await run('--entrypoint', 'id', 'localhost/oci:1', '-u')).stdout).toBe('1000\n')
  })
})

describe('bryo import', () => {
  it('makes an image of a root with the changes that were asked for', async () => {
    const imported = await bryo([
      'import',
      '-c',
      'CMD ["cat","/etc/greeting"]',
      '-c',
      'ENV LIGHT=on',
      '-c',
      'WORKDIR /srv',
      world.archive,
      'localhost/changed',
    ])
    expect(imported.code).toBe(0)
    expect(await bryo(['run', '--rm', ...NO_NETWORK, 'changed'])).toMatchObject({
      stdout: 'hello from the image\n',
    })
    expect(
      await bryo(['run', '--rm', ...NO_NETWORK, 'changed', 'sh', '-c', 'echo $LIGHT; pwd']),
    ).toMatchObject({ stdout: 'on\n/srv\n' })
  })

  it('takes a compressed archive and standard input', async () => {
    const compressed = `${directory}/root.tar.gz`
    writeFileSync(compressed, gzipSync(layer))
    expect(await bryo(['import', compressed, 'localhost/packed'])).toMatchObject({ code: 0 })
    expect(
      await world.command(['sh', '-c', `"$1" import - localhost/stdin < ${compressed}`, '-', BRYO]),
    ).toMatchObject({ code: 0 })
    expect(await bryo(['run', '--rm', ...NO_NETWORK, 'stdin', 'cat', '/etc/greeting'])).toMatchObject({
      stdout: 'hello from the image\n',
    })
  })
})

describe('bryo images, tag, untag, rmi and inspect', () => {
  it("images prints Podman's columns", async () => {
    const [heading = '', ...rows] = (await bryo(['images'])).stdout.trimEnd().split('\n')
    expect(heading).toMatch(/^REPOSITORY {2,}TAG {2,}IMAGE ID {2,}CREATED {2,}SIZE/)
    expect(
      rows.some((row) =>
        /^localhost\/busybox {2,}latest {2,}[0-9a-f]{12} {2,}.*(?:ago|Less than a second ago) {2,}[\d.]+ ?MB/.test(
          row,
        ),
      ),
    ).toBe(true)
  })

  it('a tag is another name of the same image, and untag takes it away', async () => {
    expect(await bryo(['tag', IMAGE, 'localhost/other:v1'])).toMatchObject({ code: 0 })
    const id = async (name: string) => (await bryo(['inspect', '--format', '{{.Id}}', name])).stdout
    expect(await id('localhost/other:v1')).toBe(await id(IMAGE))
    expect(await bryo(['untag', IMAGE, 'localhost/other:v1'])).toMatchObject({ code: 0 })
    expect((await bryo(['inspect', 'localhost/other:v1'])).code).toBe(125)
  })

  it('rmi keeps an image that a container uses, unless -f is given', async () => {
    await bryo(['import', '-c', 'LABEL one=image', world.archive, 'localhost/used'])
    expect((await bryo(['create', '--name', 'user', 'localhost/used', 'true'])).code).toBe(0)
    const refused = await bryo(['rmi', 'localhost/used'])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toMatch(/^Error: .*container/)
    expect(await bryo(['rmi', '-f', 'localhost/used'])).toMatchObject({ code: 0 })
    expect((await bryo(['ps', '-aq'])).stdout).toBe('')
  })

  it('image names without a host and unique ids are found', async () => {
    const id = (await bryo(['images', '-q', '--no-trunc', IMAGE])).stdout.trim().replace('sha256:', '')
    for (const name of ['busybox', 'localhost/busybox', id.slice(0, 12), id]) {
      expect(await bryo(['run', '--rm', ...NO_NETWORK, name, 'echo', 'found']), name).toMatchObject({
        stdout: 'found\n',
      })
    }
  })
})

const registry = await startRegistry(world)
afterAll(async () => registry?.close())

describe.runIf(registry)('bryo pull from a registry over HTTP', () => {
  const host = registry?.host ?? ''

  it('by tag and by digest, for run as well', async () => {
    const digest = await registry?.push('team/app', 'v1', world.archive)
    const pulled = await bryo(['pull', '--tls-verify=false', `${host}/team/app:v1`])
    expect(pulled).toMatchObject({ code: 0 })
    expect(pulled.stdout).toMatch(/^[0-9a-f]{64}\n$/)
    expect(await bryo(['run', '--rm', ...NO_NETWORK, `${host}/team/app:v1`])).toMatchObject({
      code: 0,
      stdout: 'hello from the image\n',
    })
    expect(await bryo(['rmi', '-f', `${host}/team/app:v1`])).toMatchObject({ code: 0 })
    const run = await bryo([
      'run',
      '--rm',
      '--quiet',
      '--tls-verify=false',
      ...NO_NETWORK,
      `${host}/team/app@${digest}`,
    ])
    expect(run).toMatchObject({ code: 0, stdout: 'hello from the image\n' })
  })

  it('is not tried with --pull never', async () => {
    const ended = await bryo(['run', '--rm', '--pull', 'never', `${host}/team/absent`, 'true'])
    expect(ended.code).toBe(125)
    expect(ended.stderr).toContain(`${host}/team/absent`)
  })

  it.each(['team/none:v1', 'team/app:none'])(
    'of %s, which does not exist, is an error that leaves nothing',
    async (name) => {
      const before = world.listing()
      const ended = await bryo(['run', '--rm', '--tls-verify=false', `${host}/${name}`, 'true'])
      expect(ended).toMatchObject({ code: 125, stdout: '' })
      expect(ended.stderr).toContain(`${host}/${name.split(':')[0]}`)
      await world.expectUnchanged(before)
    },
  )
})
