import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

const past = async (...flags: readonly string[]): Promise<readonly string[]> => {
  const ended = await bryo(['events', '--stream=false', ...flags])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.split('\n').slice(0, -1)
}

describe('bryo events', () => {
  it('tells the life of a container, with its labels and exit code', async () => {
    const flags = ['--network', 'none', '--name', 'life', '-l', 'team=a', '-l', 'b=c']
    const { stdout } = await bryo(['run', '-d', ...flags, IMAGE, 'sh', '-c', 'exit 3'])
    const id = stdout.trim()
    await bryo(['wait', 'life'])
    await bryo(['rm', 'life'])
    const of = ['--filter', 'container=life']
    expect(
      await past(...of, '--format', '{{.Type}} {{.Status}} {{.Name}} {{.Image}} {{.ContainerExitCode}}'),
    ).toEqual([
      `container create life ${IMAGE} 0`,
      `container start life ${IMAGE} 0`,
      `container died life ${IMAGE} 3`,
      `container remove life ${IMAGE} 0`,
    ])
    expect((await past(...of))[2]).toMatch(
      new RegExp(
        String.raw`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC container died ${id} \(image=${IMAGE}, name=life, b=c, team=a\)$`,
      ),
    )
    const [died] = await past(...of, '--filter', 'event=died', '--format', 'json')
    expect(JSON.parse(died ?? '')).toEqual({
      ...{ ContainerExitCode: 3, ID: id, Image: IMAGE, Name: 'life', Status: 'died', Type: 'container' },
      Time: expect.stringMatching(/^\d{4}-.*Z$/),
      Attributes: { team: 'a', b: 'c' },
    })
    expect(await past('--filter', 'label=team=a', '--filter', 'type=container')).toHaveLength(4)
    expect(await past('--filter', 'label=team=x')).toEqual([])
    expect((await past(...of, '--no-trunc=false'))[0]).toContain(` create ${id.slice(0, 12)} (`)
  })

  it('shows what happens from now on, until it is interrupted', async () => {
    await bryo(['volume', 'create', 'before'])
    const following = world.start(['events', '--filter', 'type=volume', '--since', '10m'])
    await following.said('volume create before')
    await bryo(['volume', 'create', 'after'])
    await following.said('volume create after')
    following.kill('SIGINT')
    expect((await following.ended).code).toBe(130)
    await bryo(['volume', 'rm', 'before', 'after'])
    expect(await past('--filter', 'volume=after', '--format', '{{.Status}}')).toEqual(['create', 'remove'])
  })

  it('tells what commands do with a container', async () => {
    await bryo([
      'run',
      '-d',
      '--name',
      'busy',
      '--network',
      'none',
      IMAGE,
      'sh',
      '-c',
      'read line; sleep 1000',
    ])
    const attached = world.start(['attach', '--no-stdin', '--sig-proxy=false', 'busy'])
    await expect.poll(() => past('--filter', 'event=attach'), { timeout: 10_000 }).toHaveLength(1)
    await bryo(['rename', 'busy', 'idle'])
    await bryo(['update', '--restart', 'no', 'idle'])
    await bryo(['restart', '--time', '0', 'idle'])
    await attached.ended
    await bryo(['stop', '--time', '0', 'idle'])
    await bryo(['container', 'cleanup', 'idle'])
    await bryo(['rm', 'idle'])
    const names = await past('--filter', 'type=container', '--format', '{{.Name}} {{.Status}}')
    expect(names.filter((line) => /^(?:busy|idle) /.test(line))).toEqual([
      ...['busy create', 'busy start', 'busy attach', 'idle rename', 'idle update'],
      ...['idle died', 'idle stop', 'idle start', 'idle restart'],
      ...['idle died', 'idle stop', 'idle cleanup', 'idle remove'],
    ])
    expect(await past('--filter', 'event=rename', '--format', '{{.Attributes.oldName}}')).toEqual(['busy'])
  })

  it('tells of restarts by the policy, and of who stays attached', async () => {
    const flags = ['--network', 'none', '--name', 'again', '--restart', 'on-failure:1']
    await bryo(['run', '-d', ...flags, IMAGE, 'false'])
    await expect
      .poll(() => past('--filter', 'container=again', '--format', '{{.Status}}'), { timeout: 20_000 })
      .toEqual(['create', 'start', 'died', 'restart', 'start', 'died'])
    await bryo(['rm', '-f', 'again'])
    await bryo(['run', '--rm', '--name', 'front', '--network', 'none', IMAGE, 'true'])
    const of = ['--filter', 'container=front', '--format', '{{.Status}}']
    expect(await past(...of)).toEqual(['create', 'start', 'attach', 'died', 'remove'])
  })

  it('tells of pruning, and of what is done with all of it', async () => {
    for (const prune of ['container', 'image', 'volume']) await bryo([prune, 'prune', '--force'])
    await bryo(['system', 'prune', '--force'])
    await bryo(['system', 'renumber'])
    await bryo(['system', 'migrate'])
    const shown = ['--format', '{{.Type}} {{.Status}}', '--filter', 'event=prune']
    const pruned = ['container', 'image', 'volume', 'container', 'image', 'system']
    expect(await past(...shown)).toEqual(pruned.map((type) => `${type} prune`))
    expect((await past('--filter', 'event=prune')).at(-1)).toMatch(/ system prune \(reclaimed=0\)$/)
    expect(await past('--filter', 'type=system', '--format', '{{.Action}}')).toEqual([
      ...['prune', 'renumber', 'migrate'],
    ])
    expect(await bryo(['events', '--filter', 'type=weather'])).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(
        /^Error: unknown type of events "weather", expected one of container, image/,
      ),
    })
  })

  it('shows a reset to who follows', async () => {
    const root = ['--root', `${world.work}/other`, '--runroot', `${world.work}/other-run`]
    await bryo([...root, 'volume', 'create', 'x'])
    const following = world.start([...root, 'events', '--since', '10m'])
    await following.said('volume create x')
    await bryo([...root, 'system', 'reset', '--force'])
    await following.said('system reset')
    following.kill('SIGINT')
    await following.ended
  })

  it('ends at a moment', async () => {
    expect(await bryo(['events', '--until', '1s'])).toMatchObject({ code: 0 })
    expect(await past('--since', '2000-01-01', '--until', '2000-01-02')).toEqual([])
  })

  it('is a command of `system` too, and says what is wrong', async () => {
    expect(await bryo(['system', 'events', '--stream=false', '--filter', 'foo=bar'])).toMatchObject({
      code: 125,
      stderr: expect.stringMatching(/^Error: foo is an invalid filter/),
    })
    expect((await bryo(['events', '--since', 'zz'])).stderr).toMatch(
      /^Error: parsing --since: "zz" is no time/,
    )
    expect((await bryo(['events', '--format', '{{.Nope}}', '--stream=false'])).code).toBe(125)
  })
})
