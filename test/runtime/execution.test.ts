import { describe, expect, it } from 'vitest'
import { runFixtureJson } from './seccomp/run-fixture.ts'

describe('awaitWorkload()', () => {
  it('waits for a silent process that hides what it executes', () => {
    expect(runFixtureJson('../../fixture/awaitWorkload.ts', {})).toBe('it runs')
  })
})
