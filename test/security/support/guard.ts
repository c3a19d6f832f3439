import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect } from 'vitest'
import type { World } from '../../e2e/support/world.ts'
import { makeSentinel, type Sentinel } from './sentinel.ts'

/** What containers are made of: none of these may appear among the mounts of this host. */
const MOUNT_TYPES = / - (?:overlay|fuse\.fuse-overlayfs|nsfs|mqueue) /
/** Work in the making, which no command that has ended leaves behind. */
const UNFINISHED = /^data\/(?:containers|pending|tmp|names|partial)\/|^run\/containers\//

/**
 * A sentinel, and a comparison before and after each test of the calling file: the sentinel's hash, the mounts of
 * this host, the processes of the world and what its store has in the making are the same.
 */
export function guardHost(world: World): Sentinel {
  const sentinel = makeSentinel(world)
  let before = hostState(world)
  beforeEach(() => {
    before = hostState(world)
  })
  afterEach(async () => {
    sentinel.expectUntouched()
    // Looks at processes and mounts, and compares the listing with itself: new images and volumes are no harm.
    await world.expectUnchanged(world.listing())
    expect(hostState(world)).toEqual(before)
  })
  return sentinel
}

function hostState(world: World) {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => MOUNT_TYPES.test(line) || line.includes(world.directory)),
    unfinished: world.listing().filter((path) => UNFINISHED.test(path)),
  }
}
