import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type FixtureRuntime, runFixture, testUser } from './run-fixture.ts'

const RUNTIMES: readonly FixtureRuntime[] = ['bun', 'node']
const RUNS_AS_ROOT = process.getuid?.() === 0
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'] as const

interface Extent {
  readonly containerId: number
  readonly hostId: number
  readonly size: number
}

/** The same with the host side as a process in the namespace sees it: unmapped ids excepted, as the parent's. */
function hostIdOf(maps: unknown, kind: 'uid' | 'gid', id: number): number | undefined {
  const extents = (maps as { readonly uid: readonly Extent[]; readonly gid: readonly Extent[] })[kind]
  const extent = extents.find((e) => id >= e.containerId && id < e.containerId + e.size)
  return extent && extent.hostId + id - extent.containerId
}

describe.each(RUNTIMES)('runInUserNamespace() under %s', (runtime) => {
  it('makes files of subordinate ids and removes them again', () => {
    const [made, removed] = runFixture({ name: 'files.ts', runtime })
    const { maps, uid, gid } = made as { maps: unknown; uid: number; gid: number }
    expect(uid).toBe(hostIdOf(maps, 'uid', 5))
    expect(gid).toBe(hostIdOf(maps, 'gid', 7))
    expect(uid).not.toBe(testUser().uid)
    expect(removed).toBe(0)
  })

  it('writes exactly the planned maps and runs main as root with all capabilities', () => {
    const [inside, outside] = runFixture({ name: 'inside.ts', runtime })
    const { plan, status } = outside as { plan: { maps: unknown }; status: unknown }
    expect(status).toBe(42)
    expect(inside).toMatchObject({
      maps: plan.maps,
      setgroups: 'allow',
      keptOpen: true,
      otherOpen: false,
    })
    const { ids } = inside as { ids: readonly string[] }
    expect(ids.slice(0, 3)).toEqual(['Uid: 0 0 0 0', 'Gid: 0 0 0 0', 'Groups:'])
    expect(ids[3]).toMatch(/^CapEff: 0+1ff+$/)
    expect(existsSync('/tmp/only-in-this-namespace')).toBe(false)
  })

  it('nests a namespace with the same ids, whose maps are written directly', () => {
    const [inner, outer] = runFixture({ name: 'nested.ts', runtime })
    const { plan, status } = outer as { plan: { maps: { uid: readonly Extent[] } }; status: unknown }
    expect(status).toBe(11)
    const same = plan.maps.uid.map(({ containerId, size }) => ({ containerId, hostId: containerId, size }))
    expect(inner).toMatchObject({ uid: same })
  })

  it('survives many children that allocate, four at a time', { timeout: 120_000 }, () => {
    expect(runFixture({ name: 'many.ts', runtime })).toEqual([100])
  })
})

describe('runInUserNamespace()', () => {
  it.each(['keep-id', 'nomap', 'auto'])('is root inside with %s', (mode) => {
    const [inside] = runFixture({ name: 'inside.ts', args: [mode] })
    expect(inside).toMatchObject({ ids: expect.arrayContaining(['Uid: 0 0 0 0']), setgroups: 'allow' })
  })

  it('keeps the caller with host, and denies setgroups', () => {
    const { uid } = testUser()
    const [inside] = runFixture({ name: 'inside.ts', args: ['host'] })
    expect(inside).toMatchObject({
      ids: expect.arrayContaining([`Uid: ${uid} ${uid} ${uid} ${uid}`]),
      setgroups: 'deny',
    })
  })

  it('says that newuidmap has no privilege under no_new_privs', () => {
    const [error] = runFixture({ name: 'inside.ts', setpriv: ['--no-new-privs'] })
    expect(error).toMatchObject({ code: 'IDMAP_FAILED', hint: expect.stringContaining('no_new_privs') })
  })
})

// Becoming another user or staying root needs root.
describe.runIf(RUNS_AS_ROOT)('runInUserNamespace() started by root, as', () => {
  it('a user without subordinate ids maps that user alone and denies setgroups', () => {
    const [inside, outside] = runFixture({ name: 'inside.ts', setpriv: NOBODY })
    expect(inside).toMatchObject({
      maps: { uid: [{ containerId: 0, hostId: 65534, size: 1 }] },
      setgroups: 'deny',
    })
    expect(outside).toMatchObject({
      status: 42,
      plan: { warning: { message: expect.stringContaining('no entry for "nobody"') } },
    })
  })

  it('a user in another group than that of the login names both groups', () => {
    const { uid, name } = testUser()
    const setpriv = [`--reuid=${uid}`, '--regid=100', '--clear-groups']
    const [error] = runFixture({ name: 'inside.ts', setpriv })
    expect(error).toMatchObject({
      code: 'IDMAP_FAILED',
      message: expect.stringContaining(`the login group of "${name}"`),
      hint: expect.stringContaining('newgrp'),
    })
  })

  it('root never maps the root of the host', () => {
    const results = runFixture({ name: 'inside.ts', asRoot: true })
    const [inside] = results
    const { maps, code } = inside as { maps?: { uid: readonly Extent[] }; code?: string }
    if (code !== undefined) expect(code).toBe('SUBIDS_MISSING')
    else expect(Math.min(...(maps?.uid ?? []).map((extent) => extent.hostId))).toBeGreaterThan(0)
  })
})
