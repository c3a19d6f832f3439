import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/engine/doctor/finding.ts'
import { runFixture } from '../userns/run-fixture.ts'

function findings(asRoot: boolean): readonly Finding[] {
  return runFixture({ name: '../../engine/doctor-fixture.ts', asRoot })[0] as readonly Finding[]
}

describe('runDoctor()', () => {
  it('finds that the test user can have containers', () => {
    const states = new Map(findings(false).map(({ id, state }) => [id, state]))
    for (const id of ['kernel', 'user-namespaces', 'subordinate-ids', 'newuidmap', 'newgidmap', 'id-map']) {
      expect([id, states.get(id)]).toEqual([id, 'ok'])
    }
  })

  it.each([false, true])(
    'gives each finding an id of its own, and each bad one a fix (root: %s)',
    (asRoot) => {
      const all = findings(asRoot)
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
      for (const { id, state, fix } of all) {
        if (state === 'warning' || state === 'error')
          expect([id, fix]).toEqual([id, expect.stringMatching(/\S/)])
      }
    },
  )
})
