import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const hasPlace =
  (await world.bryo(['run', '--rm', '--network', 'none', '-m', '64m', IMAGE, 'true'])).code === 0
const WHERE = '(skipped where control groups are delegated to the caller)'

/** The world has no systemd of its own, so that no limit has a place: what has one is tested in the virtual machine. */
describe('limits without a place for control groups', () => {
  it.skipIf(hasPlace)(`that are asked for are an error, and leave nothing ${WHERE}`, async () => {
    const before = world.listing()
    for (const flags of [
      ['--memory', '64m'],
      ['--cpus', '0.5'],
      ['--cgroup-parent', 'x.slice'],
      ['--cgroups', 'split'],
    ]) {
      const ended = await world.bryo(['run', '--rm', ...flags, IMAGE, 'true'])
      expect(ended).toMatchObject({ code: 125, stdout: '' })
      expect(ended.stderr).toMatch(
        /^Error: cannot (?:limit|make|split) .*(?:expected cgroup v2 alone|delegated to you)$/m,
      )
    }
    await world.expectUnchanged(before)
  })

  it.each([
    [['--memory', '1m'], 'expected at least 6 MB'],
    [['--memory', '9000g'], 'this host has'],
    [['--memory-swap', '1g'], 'without --memory'],
    [['--memory', '-1'], 'expected a size'],
    [['--cpus', '4096'], 'as many as this host has'],
    [['--cpus', '-1'], 'expected a number'],
    [['--cpus', '1', '--cpu-quota', '5000'], 'conflicting options'],
    [['--cpuset-cpus', '0-4000'], 'this host has'],
    [['--blkio-weight', '5'], 'expected 10 to 1000'],
    [['--device-read-bps', '/dev/null:1mb'], 'no block device'],
    [['--device-read-bps', '1mb'], 'expected /dev/NAME:RATE'],
    [['--oom-score-adj', '2000'], 'expected -1000 to 1000'],
    [['--cgroups', 'some'], 'expected one of'],
    [['--cgroups', 'disabled', '--memory', '64m'], 'conflicting options'],
    [['--cgroups', 'disabled', '--cgroup-parent', 'x.slice'], 'conflicting options'],
    [['--cgroups', 'split', '--cgroup-parent', 'x.slice'], 'conflicting options'],
    [['--cgroup-conf', '../memory.max=1'], 'expected a file of a controller'],
  ] as const)('refuses %j', async (flags, message) => {
    const ended = await world.bryo(['create', ...flags, IMAGE, 'true'])
    expect(ended.code).toBe(125)
    expect(ended.stderr).toContain(message)
  })

  it('let a container be a likelier victim of want of memory, and no less likely one', async () => {
    expect(await world.inside(['--oom-score-adj', '700'], ['cat', '/proc/self/oom_score_adj'])).toBe('700')
    const lower = await world.bryo(['run', '--rm', '--oom-score-adj', '-900', IMAGE, 'true'])
    expect(lower).toMatchObject({ code: 0 })
    expect(lower.stderr).toContain('--oom-score-adj -900 needs root')
  })

  it.skipIf(hasPlace)(
    `cannot be changed while a container runs, and pause says why it cannot ${WHERE}`,
    async () => {
      const started = await world.bryo([
        'run',
        '-d',
        '--name',
        'it',
        '--network',
        'none',
        IMAGE,
        'sleep',
        '100',
      ])
      expect(started, started.stderr).toMatchObject({ code: 0 })
      expect((await world.bryo(['update', '--pids-limit', '9', 'it'])).stderr).toContain(
        'no control group of its own',
      )
      expect((await world.bryo(['pause', 'it'])).stderr).toContain('no control group of its own')
      expect((await world.bryo(['unpause', 'it'])).stderr).toContain('it is running, expected paused')
      expect((await world.bryo(['rm', '--force', 'it'])).code).toBe(0)
      const stopped = await world.bryo(['create', '--name', 'it', IMAGE, 'sh', '-c', 'ulimit -u'])
      expect(stopped.code).toBe(0)
      expect((await world.bryo(['update', '--pids-limit', '77', 'it'])).code).toBe(0)
      expect((await world.bryo(['start', '--attach', 'it'])).stdout).toBe('77\n')
      expect((await world.bryo(['rm', 'it'])).code).toBe(0)
    },
  )
})
