import { statfsSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { bundlesOf } from './support/bundle.ts'
import { openWorld } from './support/world.ts'

const CGROUP2_MAGIC = 0x63677270
const isUnified = statfsSync('/sys/fs/cgroup').type === CGROUP2_MAGIC
const world = await openWorld({ image: false })
const { make, oci, ok } = bundlesOf(world)
const WARNING =
  'Warning: the limits of container "limited" are left out: this host has control groups of version 1 or both\n'

afterEach(async () => {
  await ok(['delete', '--force', 'limited'])
})

// Where there are control groups of version 2, test/vm tests what they do.
describe.skipIf(isUnified)('limits on a host without cgroup v2', () => {
  it('are left out with a warning', async () => {
    const bundle = make('limited', (config) => {
      config.process.args = ['echo', 'ran']
      config.linux.resources = { memory: { limit: 64 * 1024 * 1024 } }
      config.linux.cgroupsPath = 'user.slice:engine:limited'
    })
    for (const flags of [[], ['--systemd-cgroup']]) {
      expect(await oci([...flags, 'run', '--bundle', bundle, 'limited'])).toEqual({
        code: 0,
        stdout: 'ran\n',
        stderr: WARNING,
      })
    }
  })

  it('are left out silently where engines set them by themselves', async () => {
    const bundle = make('limited', (config) => {
      config.process.args = ['echo', 'ran']
      config.linux.resources = {
        devices: [{ allow: false, access: 'rwm' }],
        pids: { limit: 2048 },
      }
    })
    expect(await oci(['run', '--bundle', bundle, 'limited'])).toEqual({
      code: 0,
      stdout: 'ran\n',
      stderr: '',
    })
  })

  it('that do not fit one another are an error, and leave nothing', async () => {
    const bundle = make('limited', (config) => {
      config.linux.resources = { memory: { limit: 100, swap: 50 } }
    })
    expect(await oci(['create', '--bundle', bundle, 'limited'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('less than memory.limit'),
    })
    expect(await ok(['list', '--quiet'])).toBe('')
  })

  it('cannot be changed, nor can the container be paused or measured', async () => {
    await ok(['create', '--bundle', make('limited', () => {}), 'limited'])
    await ok(['start', 'limited'])
    for (const [verb, ...flags] of [
      ['update', '--memory', '64m'],
      ['pause'],
      ['measure', '--stats'],
    ] as const) {
      const command = verb === 'measure' ? 'events' : verb
      const { code, stderr } = await oci([command, ...flags, 'limited'])
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(
          `Error: cannot ${verb} container "limited": it has no control group of its own\n`,
        ),
      })
    }
    expect((await oci(['resume', 'limited'])).stderr).toContain('it is running, expected paused')
    expect((await oci(['update', '--blkio-weight', '5', 'limited'])).stderr).toContain(
      'cannot read "the options": blockIO.weight is 5',
    )
    expect((await oci(['events', 'limited'])).stderr).toContain('expected --stats')
    expect((await oci(['update', 'nobody'])).stderr).toContain('does not exist')
  })
})
