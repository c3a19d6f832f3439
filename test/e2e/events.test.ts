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
