import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/base/digest.ts'
import type { IdMapping, IdMaps } from '../../src/base/idmap.ts'
import { hostPath } from '../../src/storage/hostPath.ts'
import { beginLayer } from '../../src/storage/layer/layers.ts'
import { planFuseMapping, seesDiskIds } from '../../src/storage/rootfs/fuseMapping.ts'
import { planRootfs, planRootfsDirectory } from '../../src/storage/rootfs/plan.ts'
import type { Store } from '../../src/storage/store.ts'
import { digest } from './support/records.ts'
import { temporaryDirectory, temporaryStore } from './support/store.ts'

const same = (...extents: readonly (readonly [number, number, number])[]): IdMaps => {
  const map: readonly IdMapping[] = extents.map(([containerId, hostId, size]) => ({
    containerId,
    hostId,
    size,
  }))
  return { uid: map, gid: map }
}
const DEFAULT = same([0, 2000, 1], [1, 100_000, 65_536])
const KEEP_ID = same([0, 100_000, 2000], [2000, 2000, 1], [2001, 102_000, 63_536])
const PROGRAM = hostPath('/usr/bin/fuse-overlayfs')
const drive = (driver: 'overlay' | 'fuse-overlayfs', maps = DEFAULT) => ({
  driver,
  maps,
  defaultMaps: DEFAULT,
  ephemeral: false,
  fuseProgram: () => PROGRAM,
})

async function addLayer(store: Store, diffId: ReturnType<typeof digest>, mode = 0o755): Promise<void> {
  using draft = await beginLayer(store, diffId)
  chmodSync(draft?.directory ?? '', mode)
  draft?.commit({ size: 1 })
}

describe('planFuseMapping()', () => {
  it.each([
    ['the default map', DEFAULT],
    ['a part of it', same([0, 2000, 1], [5, 100_004, 10])],
    ['the caller alone, as root', same([0, 2000, 1])],
    ['the caller alone, under its own id', same([2000, 2000, 1])],
  ])('needs nothing for %s', (_, maps) => {
    expect(seesDiskIds(maps, DEFAULT)).toBe(true)
    expect(planFuseMapping(maps, DEFAULT)).toEqual({ kind: 'none' })
  })

  it('shows each id of the disk as the id in the image for keep-id', () => {
    const text = '2000:0:1:0:1:2000:2001:2001:63536'
    expect(planFuseMapping(KEEP_ID, DEFAULT)).toEqual({ kind: 'mapped', uid: text, gid: text })
  })

  it.each([
    ['the caller is not mapped', same([0, 100_000, 65_536])],
    ['other ranges are mapped', same([0, 300_000, 1024])],
  ])('runs the server with the default map where %s', (_, maps) => {
    expect(seesDiskIds(maps, DEFAULT)).toBe(false)
    expect(planFuseMapping(maps, DEFAULT)).toEqual({ kind: 'server', maps: DEFAULT })
  })

  it('runs the server with the default map for any other one where layers have owners in attributes', () => {
    expect(planFuseMapping(KEEP_ID, DEFAULT, true)).toEqual({ kind: 'server', maps: DEFAULT })
    expect(planFuseMapping(DEFAULT, DEFAULT, true)).toEqual({ kind: 'none' })
  })

  it('sees where a map leaves the default in the middle of an extent', () => {
    expect(seesDiskIds(same([0, 2000, 1], [1, 100_000, 65_537]), DEFAULT)).toBe(false)
    expect(seesDiskIds(DEFAULT, same([0, 2000, 1], [1, 100_000, 10], [11, 200_000, 65_526]))).toBe(false)
    expect(seesDiskIds(DEFAULT, same([0, 2000, 1], [1, 100_000, 10], [11, 100_010, 65_526]))).toBe(true)
  })
})

describe('planRootfs()', () => {
  it('stacks the layers, the topmost first, and gives the upper directory the mode of its root', async () => {
    const store = temporaryStore()
    await addLayer(store, digest('a'))
    await addLayer(store, digest('b'), 0o1777)
    const containerDirectory = hostPath(temporaryDirectory())
    const layers = [digest('a'), digest('b')]
    const plan = planRootfs({ ...drive('overlay'), store, layers, containerDirectory })
    expect(plan).toEqual({
      kind: 'overlay',
      lower: [`${'b'.repeat(16)}/diff`, `${'a'.repeat(16)}/diff`],
      base: store.layers,
      upper: `${containerDirectory}/upper`,
      work: `${containerDirectory}/work`,
    })
    expect(statSync(`${containerDirectory}/upper`).mode & 0o7777).toBe(0o1777)
    expect(planRootfs({ ...drive('overlay'), store, layers, containerDirectory })).toEqual(plan)
  })

  it('syncs nothing for a container that is removed at its end, and gives a restart a new work directory', () => {
    const store = temporaryStore()
    const containerDirectory = hostPath(temporaryDirectory())
    mkdirSync(`${containerDirectory}/work/work/incompat/volatile`, { recursive: true })
    const request = { ...drive('overlay'), store, layers: [], containerDirectory, ephemeral: true }
    expect(planRootfs(request)).toMatchObject({ kind: 'overlay', volatile: true })
    expect(readdirSync(`${containerDirectory}/work`)).toEqual([])
  })

  it('puts an empty directory below a container without layers', () => {
    const store = temporaryStore()
    const containerDirectory = hostPath(temporaryDirectory())
    const plan = planRootfs({ ...drive('overlay'), store, layers: [], containerDirectory })
    expect(plan).toMatchObject({ lower: ['../empty'] })
    expect(readdirSync(store.empty)).toEqual([])
  })

  it.each(['overlay', 'fuse-overlayfs'] as const)(
    'takes fuse-overlayfs for other ids with the driver %s',
    (driver) => {
      const store = temporaryStore()
      const containerDirectory = hostPath(temporaryDirectory())
      const plan = planRootfs({ ...drive(driver, KEEP_ID), store, layers: [], containerDirectory })
      expect(plan).toMatchObject({ kind: 'fuse-overlayfs', program: PROGRAM, uidMapping: expect.any(String) })
    },
  )

  it('names a layer that is missing', () => {
    const request = {
      store: temporaryStore(),
      layers: [digest('a')],
      containerDirectory: hostPath('/nowhere'),
    }
    expect(() => planRootfs({ ...drive('overlay'), ...request })).toThrow(/cannot use layer "sha256:aaaa/)
  })

  it('stacks 127 layers and refuses more than a mount takes', async () => {
    const store = temporaryStore()
    const ids = Array.from({ length: 200 }, (_, n) =>
      parseDigest(`sha256:${String(n).padStart(16, '0').padEnd(64, '0')}`),
    )
    for (const diffId of ids) await addLayer(store, diffId)
    const containerDirectory = hostPath(temporaryDirectory())
    const plan = (layers: typeof ids) =>
      planRootfs({ ...drive('overlay'), store, layers, containerDirectory })
    expect(plan(ids.slice(0, 127))).toMatchObject({ kind: 'overlay' })
    expect(() => plan(ids)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })
})

describe('planRootfsDirectory()', () => {
  it('takes the directory itself, or puts an overlay over it', () => {
    const path = hostPath(temporaryDirectory())
    const containerDirectory = hostPath(temporaryDirectory())
    const plan = (overlay: boolean) =>
      planRootfsDirectory({ ...drive('overlay'), path, overlay, containerDirectory })
    expect(plan(false)).toEqual({ kind: 'directory', path })
    expect(readdirSync(containerDirectory)).toEqual([])
    expect(plan(true)).toMatchObject({ kind: 'overlay', lower: ['.'], base: path })
  })

  it('refuses what is no directory', () => {
    const request = { ...drive('overlay'), overlay: false, containerDirectory: hostPath('/nowhere') }
    expect(() => planRootfsDirectory({ ...request, path: hostPath('/etc/passwd') })).toThrow(
      /not a directory/,
    )
    expect(() => planRootfsDirectory({ ...request, path: hostPath('/no/such') })).toThrow(/does not exist/)
  })
})
