import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']

afterEach(async () => {
  expect(await bryo(['rm', '--all', '--force', '--volumes'])).toMatchObject({ code: 0 })
  await bryo(['volume', 'rm', '--all'])
})

describe('--volumes-from', () => {
  it('mounts named and anonymous volumes and directories of another container', async () => {
    const directory = world.makeDirectory('shared')
    const flags = ['-v', 'named:/named', '-v', '/anonymous', '-v', `${directory}:/bind:ro`]
    const write = 'echo n >/named/f; echo a >/anonymous/f'
    await bryo(['run', '--name', 'first', ...NO_NETWORK, ...flags, IMAGE, 'sh', '-c', write])
    const read = 'cat /named/f /anonymous/f; touch /bind/x 2>/dev/null || echo read-only'
    const second = await bryo([
      'run',
      '--name',
      'second',
      ...NO_NETWORK,
      '--volumes-from',
      'first',
      IMAGE,
      'sh',
      '-c',
      read,
    ])
    expect(second, second.stderr).toMatchObject({ code: 0, stdout: 'n\na\nread-only\n' })
    await bryo(['rm', '-v', 'first'])
    expect(await bryo(['start', '--attach', 'second'])).toMatchObject({ stdout: 'n\na\nread-only\n' })
  })

  it('takes ro, and leaves what the container mounts itself', async () => {
    await bryo(['create', '--name', 'first', '-v', 'one:/one', '-v', 'two:/two', IMAGE, 'true'])
    const flags = [...NO_NETWORK, '--volumes-from', 'first:ro', '--tmpfs', '/two']
    const ended = await bryo(['run', '--rm', ...flags, IMAGE, 'sh', '-c', 'touch /two/x && touch /one/x'])
    expect(ended).toMatchObject({ code: 1 })
    expect(ended.stderr).toContain('/one/x: Read-only file system')
    expect(await bryo(['run', '--rm', '--volumes-from', 'nobody', IMAGE, 'true'])).toMatchObject({
      code: 125,
    })
    expect(await bryo(['run', '--rm', '--volumes-from', 'first:exec', IMAGE, 'true'])).toMatchObject({
      code: 125,
    })
  })
})

describe('--requires', () => {
  it('starts other containers before, those that they require first', async () => {
    const sleep = [...NO_NETWORK, IMAGE, 'sleep', '100']
    await bryo(['create', '--name', 'base', ...sleep])
    await bryo(['create', '--name', 'middle', '--requires', 'base', ...sleep])
    expect(await bryo(['run', '-d', '--name', 'top', '--requires', 'middle', ...sleep])).toMatchObject({
      code: 0,
    })
    const running = async () => (await bryo(['ps', '--format', '{{.Names}}'])).stdout
    expect(await running()).toBe('base\nmiddle\ntop\n')
    await bryo(['stop', '--all', '-t', '0'])
    expect(await bryo(['start', 'top'])).toMatchObject({ code: 0 })
    expect(await running()).toBe('base\nmiddle\ntop\n')
    expect(await bryo(['run', '--requires', 'nobody', ...sleep])).toMatchObject({ code: 125 })
  })
})

describe('--pidfile and --conmon-pidfile', () => {
  it('name the processes of each start', async () => {
    const flags = ['--pidfile', 'pid', '--conmon-pidfile', 'monitor', ...NO_NETWORK]
    await bryo(['run', '-d', '--name', 'noted', ...flags, IMAGE, 'sleep', '100'])
    const written = () =>
      ['pid', 'monitor'].map((name) => readFileSync(join(world.work, name), 'utf8')).join(' ')
    const known = async () =>
      (await bryo(['inspect', '--format', '{{.State.Pid}} {{.State.ConmonPid}}', 'noted'])).stdout.trim()
    expect(written()).toBe(await known())
    await bryo(['restart', '-t', '0', 'noted'])
    expect(written()).toBe(await known())
  })
})

describe('--env-merge', () => {
  it('adds to what the image and the defaults set, and gives way to --env', async () => {
    const flags = [
      '--env-merge',
      'PATH=/mine:$PATH',
      '--env-merge',
      'B=${A}${nothing}.',
      '-e',
      'A=own',
      ...NO_NETWORK,
    ]
    const ended = await bryo(['run', '--rm', ...flags, IMAGE, 'sh', '-c', 'echo $PATH $A $B'])
    expect(ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\/mine:\/usr\/local\/sbin:\S+ own \.\n$/),
    })
    expect(await bryo(['run', '--env-merge', 'PATH', IMAGE, 'true'])).toMatchObject({ code: 125 })
  })
})

describe('--attach', () => {
  const both = [...NO_NETWORK, '-i', IMAGE, 'sh', '-c', 'echo out; echo error >&2; cat']
  it.each([
    [['-a', 'stdout'], 'out\n', ''],
    [['-a', 'STDERR'], '', 'error\n'],
    [['-a', 'stdin', '-a', 'stdout', '-a', 'stderr'], 'out\ntyped\n', 'error\n'],
  ])('%s shows and takes just that', async (flags, stdout, stderr) => {
    for (const rm of [[], ['--rm']]) {
      const started = world.start(['run', ...rm, '--timeout', '2', ...flags, ...both])
      started.write('typed\n')
      started.endInput()
      expect(await started.ended).toMatchObject({ stdout, stderr })
    }
  })

  it('is refused with --detach, and for what is no stream', async () => {
    expect(await bryo(['run', '-d', '-a', 'stdout', IMAGE])).toMatchObject({ code: 125 })
    expect(await bryo(['run', '-a', 'nothing', IMAGE])).toMatchObject({ code: 125 })
  })
})
