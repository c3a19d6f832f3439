import { describe, expect, it } from 'vitest'
import type { ResourceLimits } from '../../../src/base/resources.ts'
import { blockDevice, checkLimits, parseRanges } from '../../../src/engine/container/resourcesCheck.ts'

const GIBIBYTE = 1024 ** 3
const HOST = { memory: 4 * GIBIBYTE, cpus: [0, 1], memoryNodes: [0] }

describe('checkLimits()', () => {
  it.each<ResourceLimits>([
    {},
    { memory: 6 * 1024 * 1024 },
    { memory: GIBIBYTE, memorySwap: 2 * GIBIBYTE, memoryReservation: GIBIBYTE },
    { memory: GIBIBYTE, memorySwap: -1 },
    { cpus: 2 },
    { cpuQuota: -1, cpuPeriod: 1000 },
    { cpusetCpus: '0-1', cpusetMems: '0' },
    { blkioWeight: 10, cpuShares: 2 },
    { cgroupConf: { 'memory.high': '5', 'hugetlb.2MB.max': '0' } },
  ])('takes %j', (limits) => {
    expect(() => checkLimits(limits, HOST)).not.toThrow()
  })

  it.each<readonly [ResourceLimits, string]>([
    [{ memory: 1024 }, 'at least 6 MB'],
    [{ memory: 5 * GIBIBYTE }, 'this host has'],
    [{ memorySwap: GIBIBYTE }, 'without --memory'],
    [{ memory: 2 * GIBIBYTE, memorySwap: GIBIBYTE }, 'at least --memory'],
    [{ memory: GIBIBYTE, memoryReservation: 2 * GIBIBYTE }, 'at most --memory'],
    [{ cpus: 3 }, '0.01 to 2'],
    [{ cpus: 0.001 }, '0.01 to 2'],
    [{ cpus: 1, cpuQuota: 5000 }, 'conflicting options'],
    [{ cpuPeriod: 5 }, '1000 to 1000000'],
    [{ cpuQuota: 5 }, 'at least 1000'],
    [{ cpuShares: 1 }, '2 to 262144'],
    [{ cpusetCpus: '0-2' }, 'no 2'],
    [{ cpusetCpus: 'all' }, 'ranges'],
    [{ cpusetMems: '1' }, 'no 1'],
    [{ blkioWeight: 9 }, '10 to 1000'],
    [{ cgroupConf: { 'cgroup.procs': '1' } }, '--cgroup-conf'],
    [{ cgroupConf: { '../memory.max': '1' } }, '--cgroup-conf'],
  ])('refuses %j', (limits, message) => {
    expect(() => checkLimits(limits, HOST)).toThrow(message)
  })
})

describe('parseRanges()', () => {
  it('gives each number', () => {
    expect(parseRanges('0-2,5')).toEqual([0, 1, 2, 5])
    expect(parseRanges('3')).toEqual([3])
  })

  it.each(['', '2-1', '1,', 'a', '-1', '1-'])('knows that "%s" is none', (text) => {
    expect(parseRanges(text)).toBeUndefined()
  })
})

describe('blockDevice()', () => {
  it('refuses what is no block device', () => {
    expect(() => blockDevice('/dev/null')).toThrow('no block device')
    expect(() => blockDevice('/dev/nothing-there')).toThrow('does not exist')
  })
})
