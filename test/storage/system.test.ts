import { rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { type RunningFixture, runFixture, startFixture, userDirectory } from './support/process.ts'

const made: string[] = []

function directory(): string {
  const path = userDirectory()
  made.push(path)
  return path
}

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
})

describe('probeOverlay()', () => {
  it('tries the overlay once, answers from the cache after that, and leaves no files', () => {
    const [first, second, auto, fuse, problem, left] = runFixture('probe.ts', directory())
    expect(second).toEqual(first)
    expect(first).toEqual({ works: true })
    expect([auto, fuse, problem, left]).toEqual(['overlay', 'fuse-overlayfs', '', []])
  })
})

describe('removeTree() with files of subordinate ids', () => {
  it('needs the user namespace for them, and then removes all', () => {
    const [isSubordinate, bytes, code, left] = runFixture('subids.ts', directory())
    expect({ isSubordinate, bytes, code, left }).toEqual({
      isSubordinate: true,
      bytes: 0,
      code: 'PERMISSION',
      left: [],
    })
  })
})

describe('removeTree() where something is mounted', () => {
  it('stops at the mount and leaves what is behind it', () => {
    const [code, precious, exists, status] = runFixture('mounted.ts', directory())
    expect({ code, precious, exists, status }).toEqual({
      code: 'IN_USE',
      precious: ['file'],
      exists: false,
      status: 0,
    })
  })
})

describe('a full disk', () => {
  it('is a NO_SPACE error for each kind of write, with nothing half-made', () => {
    const results = runFixture('fullDisk.ts', directory())
    const errors = results.slice(0, 5)
    expect(errors).toEqual(
      ['blob', 'filler', 'index', 'container', 'volume'].map((name) => ({
        name,
        code: 'NO_SPACE',
        message: expect.stringMatching(/the filesystem is full \(\d+ bytes free\)/),
      })),
    )
    expect(results.slice(5)).toEqual([{ images: 1, left: 0 }, 0])
  })
})

describe('a store whose writers are killed', () => {
  it('is whole again after the next command, wherever it hit them', { timeout: 120_000 }, () => {
    expect(runFixture('crash.ts', directory(), '60')).toEqual([{ recovered: true, left: [] }])
  })
})

describe('processes that do the same at once', () => {
  it('unpack each layer once, give each name once, and lose no image', { timeout: 60_000 }, async () => {
    const base = directory()
    const running: readonly RunningFixture[] = [1, 2, 3, 4].map((n) =>
      startFixture('parallel.ts', base, String(n)),
    )
    for (const fixture of running) expect(await fixture.next()).toBe('ready')
    for (const fixture of running) fixture.closeInput()
    const made: unknown[] = []
    for (const fixture of running) made.push(await fixture.next())
    const numbers = Array.from({ length: 20 }, (_, n) => n)
    expect(made.flat().sort()).toEqual(numbers.flatMap((n) => [`layer ${n}`, `name ${n}`]).sort())
    expect(runFixture('inspect.ts', base)).toEqual([
      {
        images: 80,
        latest: 1,
        layers: 20,
        containers: expect.arrayContaining(numbers.map((n) => `shared-${n}`)),
        left: [],
      },
    ])
  })
})

describe('planRootfs() for other id maps', () => {
  it.each([
    ['keep-id', 'mapped'],
    ['no caller', 'server'],
  ])(
    'shows a container with %s the ids of the image, and writes those of the default map',
    (maps, mapping) => {
      expect(runFixture('fuse.ts', directory(), maps)).toEqual([
        { seen: { '0': 0, '1': 1, '33': 33, '1000': 1000 } },
        { mapping, status: 'exited' },
        { onDisk: [0, 33] },
      ])
    },
  )
})
