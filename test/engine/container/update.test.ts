import { describe, expect, it } from 'vitest'
import type { ResourceLimits } from '../../../src/base/resources.ts'
import { mergeUpdate } from '../../../src/engine/container/update.ts'
import { EMPTY_REQUEST } from '../../support/request.ts'

const merged = (before: ResourceLimits, limits: ResourceLimits) =>
  mergeUpdate({ ...EMPTY_REQUEST, limits: before }, { limits }).limits

describe('mergeUpdate()', () => {
  it('sets limits over those that there are', () => {
    expect(merged({ memory: 100, cpuShares: 5 }, { memory: 200 })).toEqual({ memory: 200, cpuShares: 5 })
    expect(mergeUpdate({ ...EMPTY_REQUEST, limits: { memory: 100 } }, {}).limits).toEqual({ memory: 100 })
  })

  it('keeps nothing of a limit that is taken away', () => {
    const rates = [{ path: '/dev/sda', kind: 'rbps', rate: 5 }] as const
    const none = [{ path: '/dev/sda', kind: 'rbps', rate: 0 }] as const
    expect(merged({ memory: 100, deviceRates: rates }, { deviceRates: none })).toEqual({ memory: 100 })
    expect(
      mergeUpdate({ ...EMPTY_REQUEST, limits: { cpus: 2 } }, { limits: { cpus: 0 } }),
    ).not.toHaveProperty('limits')
  })

  it('forgets a limit of swap with the memory that it contains', () => {
    expect(merged({ memory: 100, memorySwap: 150 }, { memory: 200 })).toEqual({ memory: 200 })
    expect(merged({ memory: 100 }, { memorySwap: 150 })).toEqual({ memory: 100, memorySwap: 150 })
  })

  it('takes processors for the quota that they are, where a part of that is given', () => {
    expect(merged({ cpus: 1.5 }, { cpuPeriod: 200_000 })).toEqual({ cpuPeriod: 200_000, cpuQuota: 150_000 })
    expect(merged({ cpus: 1.5 }, { cpuQuota: 50_000 })).toEqual({ cpuPeriod: 100_000, cpuQuota: 50_000 })
    expect(merged({ cpuPeriod: 5000, cpuQuota: 2000 }, { cpus: 1 })).toEqual({ cpus: 1 })
  })
})
