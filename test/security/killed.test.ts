import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { IMAGE, openWorld } from '../e2e/support/world.ts'

const world = await openWorld()

/** What is started, and how many milliseconds it takes at most. */
const COMMANDS: readonly (readonly [what: string, args: readonly string[], lastsMs: number])[] = [
  ['run', ['run', '--rm', '--network', 'none', IMAGE, 'true'], 120],
  ['run with a network', ['run', '--rm', IMAGE, 'true'], 200],
  [
    'run on fuse-overlayfs',
    ['--storage-driver', 'fuse-overlayfs', 'run', '--rm', '--network', 'none', IMAGE, 'true'],
    150,
  ],
  ['run with a volume', ['run', '--rm', '--network', 'none', '-v', '/anonymous', IMAGE, 'true'], 120],
  ['import', ['import', world.archive, 'localhost/killed:1'], 150],
]
const KILLS = 12

describe.each(COMMANDS)('%s, killed', (_what, args, lastsMs) => {
  it(`at ${KILLS} moments leaves no process, no mount, and a store that heals`, async () => {
    for (let kill = 0; kill < KILLS; kill++) {
      const command = world.start(args)
      // Not a wait for anything: the moment is what varies.
      await setTimeout((kill * lastsMs) / KILLS)
      command.kill('SIGKILL')
      await command.ended
    }
    expect(await world.bryo(['run', '--rm', '--network', 'none', IMAGE, 'echo', 'works'])).toMatchObject({
      code: 0,
      stdout: 'works\n',
    })
    expect((await world.bryo(['ps', '--all', '--quiet'])).stdout).toBe('')
    await world.expectUnchanged(world.listing())
    const unfinished = world
      .listing()
      .filter((path) => /^data\/(?:containers|pending|tmp|names|volumes)\/|^run\/containers\//.test(path))
    expect(unfinished).toEqual([])
  })
})
