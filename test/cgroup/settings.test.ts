import { describe, expect, it } from 'vitest'
import { type AllLimits, cgroupSettings, ioWeightOf, weightOfShares } from '../../src/cgroup/settings.ts'

const files = (limits: AllLimits) =>
  Object.fromEntries(cgroupSettings(limits, () => '8:0').map(({ file, value }) => [file, value]))

describe('cgroupSettings()', () => {
  it('says nothing where nothing is asked for', () => {
    expect(files({})).toEqual({})
  })

  it('lets memory swap as much again, where nothing is said', () => {
    expect(files({ memory: 100 })).toEqual({ 'memory.max': '100', 'memory.swap.max': '100' })
  })

  it('takes --memory-swap as memory and swap together', () => {
    expect(files({ memory: 100, memorySwap: 100 })).toMatchObject({ 'memory.swap.max': '0' })
    expect(files({ memory: 100, memorySwap: 150 })).toMatchObject({ 'memory.swap.max': '50' })
    expect(files({ memory: 100, memorySwap: -1 })).toMatchObject({ 'memory.swap.max': 'max' })
  })

  it('takes a number of processors, or a quota and its period', () => {
    expect(files({ cpus: 1.5 })).toEqual({ 'cpu.max': '150000 100000' })
    expect(files({ cpuQuota: 5000, cpuPeriod: 10_000 })).toEqual({ 'cpu.max': '5000 10000' })
    expect(files({ cpuQuota: -1 })).toEqual({ 'cpu.max': 'max 100000' })
    expect(files({ cpuPeriod: 10_000 })).toEqual({ 'cpu.max': 'max 10000' })
  })

  it('limits processes as asked for, else as by default', () => {
    expect(files({ pidsLimit: 5, defaultPidsLimit: 2048 })).toEqual({ 'pids.max': '5' })
    expect(files({ defaultPidsLimit: 2048 })).toEqual({ 'pids.max': '2048' })
    expect(files({ pidsLimit: -1 })).toEqual({ 'pids.max': 'max' })
  })

  it('writes rates of devices by their number', () => {
    const rates = [
      { path: '/dev/sda', kind: 'rbps', rate: 1000 },
      { path: '/dev/sda', kind: 'wiops', rate: 0 },
    ] as const
    expect(cgroupSettings({ deviceRates: rates }, () => '8:0').map(({ value }) => value)).toEqual([
      '8:0 rbps=1000',
      '8:0 wiops=max',
    ])
  })

  it('takes a limit away that is 0', () => {
    expect(files({ memory: 0, cpus: 0, cpuShares: 0, blkioWeight: 0, memoryReservation: 0 })).toEqual({
      'memory.low': '0',
      'memory.max': 'max',
      'memory.swap.max': 'max',
      'cpu.max': 'max 100000',
      'cpu.weight': '100',
      'io.bfq.weight': 'default 100',
      'io.weight': 'default 100',
    })
    expect(files({ memory: 100, memorySwap: 0 })).toMatchObject({ 'memory.swap.max': '100' })
    const weights = cgroupSettings({ deviceWeights: [{ path: '/dev/sda', weight: 0 }] }, () => '8:0')
    expect(weights.map(({ value }) => value)).toEqual(['8:0 default', '8:0 default'])
  })

  it('gives weights of devices to both schedulers that have them, and asks for one', () => {
    expect(cgroupSettings({ blkioWeight: 500 }, () => '')).toEqual([
      { file: 'io.bfq.weight', value: 'default 500', controller: 'io', option: undefined },
      { file: 'io.weight', value: 'default 4950', controller: 'io', option: '--blkio-weight' },
    ])
  })

  it('asks for no controller to limit no processes', () => {
    const option = (limits: AllLimits) => cgroupSettings(limits, () => '').map((setting) => setting.option)
    expect(option({ pidsLimit: -1 })).toEqual([undefined])
    expect(option({ pidsLimit: 0 })).toEqual([undefined])
    expect(option({ pidsLimit: 7 })).toEqual(['--pids-limit'])
    expect(option({ pidsLimit: 7, defaultPidsLimit: 7 })).toEqual([undefined])
  })

  it('names the controller of a file that is written as it is', () => {
    expect(cgroupSettings({ cgroupConf: { 'memory.high': '1' } }, () => '')).toEqual([
      { file: 'memory.high', value: '1', controller: 'memory', option: '--cgroup-conf' },
    ])
  })
})

describe('weights', () => {
  it('reach from 1 to 10000', () => {
    expect([2, 1024, 262_144].map(weightOfShares)).toEqual([1, 39, 10_000])
    expect([10, 500, 1000].map(ioWeightOf)).toEqual([1, 4950, 10_000])
  })
})
