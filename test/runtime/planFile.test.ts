import { closeSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { planCapabilities } from '../../src/runtime/capabilities.ts'
import type { LaunchPlan } from '../../src/runtime/plan.ts'
import { readPlan, writePlan } from '../../src/runtime/planFile.ts'

const path = join(tmpdir(), `bryo-plan-${process.pid}`)
afterAll(() => rmSync(path, { force: true }))

function roundTrip(plan: unknown): LaunchPlan {
  const fd = openSync(path, 'w+')
  const reader = openSync(path, 'r')
  writePlan(fd, plan as LaunchPlan)
  closeSync(fd)
  return readPlan(reader)
}

const capabilities = {
  root: planCapabilities({ add: ['ALL'], drop: [], privileged: false, isRoot: true }),
  other: planCapabilities({ add: [], drop: ['ALL'], privileged: false, isRoot: false }),
}
const process_ = { args: ['a'], rlimits: [{ type: 'RLIMIT_CORE', soft: 0n, hard: 0xffffffffffffffffn }] }

describe('the plan file', () => {
  it('gives back what was written, 64-bit numbers and the filter included', () => {
    const plan = {
      capabilities,
      spec: { process: process_, annotations: { soft: '1' } },
      seccomp: { flags: 2, program: Uint8Array.of(1, 0, 255, 7) },
      preservedFds: 3,
    }
    const read = roundTrip(plan)
    expect({
      ...read,
      seccomp: read.seccomp && { ...read.seccomp, program: Uint8Array.from(read.seccomp.program) },
    }).toEqual(plan)
  })

  it('has no filter where there is none', () => {
    expect(
      roundTrip({ capabilities, spec: { process: process_ }, seccomp: undefined }).seccomp,
    ).toBeUndefined()
  })
})
