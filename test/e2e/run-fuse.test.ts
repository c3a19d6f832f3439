import { describe, expect, it } from 'vitest'
import { describeMounts } from './cases/mounts.ts'
import { describeRun } from './cases/run.ts'
import { openWorld } from './support/world.ts'

const world = await openWorld({ flags: ['--storage-driver', 'fuse-overlayfs'] })

describe('--storage-driver fuse-overlayfs', () => {
  it('is what the root is mounted with', async () => {
    expect(await world.inside([], 'awk \'$2 == "/" { print $3 }\' /proc/mounts')).toBe('fuse.fuse-overlayfs')
  })

  describeRun(world)
  describeMounts(world)
})
