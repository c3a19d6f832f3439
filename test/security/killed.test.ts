import { setTimeout } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { processesOf } from '../e2e/support/leftovers.ts'
import { IMAGE, openWorld } from '../e2e/support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']
const QUIET = [...NO_NETWORK, IMAGE]
const RUNNING = ['run', '-d', '--name', 'subject', ...QUIET, 'sleep', '1000']

interface Killed {
  readonly what: string
  /** Before each kill. */
  readonly prepare?: readonly (readonly string[])[]
  readonly args: readonly string[]
  /** How many milliseconds it takes at most. */
  readonly lastsMs: number
}

const COMMANDS: readonly Killed[] = [
  { what: 'run', args: ['run', '--rm', ...QUIET, 'true'], lastsMs: 120 },
  { what: 'run with a network', args: ['run', '--rm', IMAGE, 'true'], lastsMs: 200 },
  {
    what: 'run on fuse-overlayfs',
    args: ['--storage-driver', 'fuse-overlayfs', 'run', '--rm', ...QUIET, 'true'],
    lastsMs: 150,
  },
  { what: 'run with a volume', args: ['run', '--rm', '-v', '/anonymous', ...QUIET, 'true'], lastsMs: 120 },
  { what: 'run in the background', args: ['run', '-d', '--rm', IMAGE, 'sleep', '1000'], lastsMs: 200 },
  { what: 'run with a monitor', args: ['run', '--name', 'subject', ...QUIET, 'true'], lastsMs: 120 },
  { what: 'create', args: ['create', '-v', '/anonymous', ...QUIET, 'true'], lastsMs: 60 },
  {
    what: 'start',
    prepare: [['create', '--name', 'subject', ...QUIET, 'sleep', '1000']],
    args: ['start', 'subject'],
    lastsMs: 100,
  },
  {
    what: 'init',
    prepare: [['create', '--name', 'subject', ...QUIET, 'sleep', '1000']],
    args: ['init', 'subject'],
    lastsMs: 100,
  },
  {
    what: 'start of an initialized container',
    prepare: [
      ['create', '--name', 'subject', ...QUIET, 'sleep', '1000'],
      ['init', 'subject'],
    ],
    args: ['start', 'subject'],
    lastsMs: 30,
  },
  { what: 'stop', prepare: [RUNNING], args: ['stop', '-t', '0', 'subject'], lastsMs: 60 },
  { what: 'restart', prepare: [RUNNING], args: ['restart', '-t', '0', 'subject'], lastsMs: 120 },
  { what: 'exec', prepare: [['start', 'subject']], args: ['exec', 'subject', 'true'], lastsMs: 60 },
  {
    what: 'rm',
    prepare: [['create', '--name', 'subject', ...QUIET, 'true']],
    args: ['rm', 'subject'],
    lastsMs: 30,
  },
  { what: 'rm --force', prepare: [RUNNING], args: ['rm', '-f', 'subject'], lastsMs: 60 },
  {
    what: 'commit',
    prepare: [['create', '--name', 'subject', ...QUIET, 'true']],
    args: ['commit', 'subject', 'localhost/killed:2'],
    lastsMs: 120,
  },
  { what: 'import', args: ['import', world.archive, 'localhost/killed:1'], lastsMs: 150 },
  {
    what: 'cp',
    prepare: [['create', '--name', 'subject', ...QUIET, 'true']],
    args: ['cp', '/etc/passwd', 'subject:/tmp/copied'],
    lastsMs: 80,
  },
  { what: 'volume create and rm', args: ['volume', 'create', 'subject'], lastsMs: 20 },
]
const KILLS = 24

afterAll(async () => {
  await bryo(['rm', '--all', '--force'])
})

describe.each(COMMANDS)('$what, killed', ({ prepare = [], args, lastsMs }) => {
  it(`at ${KILLS} moments leaves no process, no mount, and a store that heals`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      for (const command of prepare) await bryo(command)
      const command = world.start(args)
      // Not a wait for anything: the moment is what varies.
      await setTimeout((kill * lastsMs) / KILLS)
      command.kill('SIGKILL')
      await command.ended
      if (!prepare.some((step) => step[0] === 'start')) await bryo(['rm', '--force', '--ignore', 'subject'])
    }
    expect(await bryo(['rm', '--all', '--force', '--volumes'])).toMatchObject({ code: 0 })
    expect(await bryo(['run', '--rm', ...QUIET, 'echo', 'works'])).toMatchObject({
      code: 0,
      stdout: 'works\n',
    })
    expect(await bryo(['system', 'check']), 'system check').toMatchObject({ code: 0 })
    expect((await bryo(['ps', '--all', '--quiet'])).stdout).toBe('')
    await bryo(['volume', 'prune', '--force'])
    await expect.poll(() => processesOf(world.directory), { interval: 20 }).toEqual([])
    await world.expectUnchanged(world.listing())
    const unfinished = world
      .listing()
      .filter((path) => /^data\/(?:containers|pending|tmp|names|volumes)\/|^run\/containers\//.test(path))
    expect(unfinished).toEqual([])
  })
})
