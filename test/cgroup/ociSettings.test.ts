import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { OciResources } from '../../src/base/ociResources.ts'
import { completeResources, ociSettings } from '../../src/cgroup/ociSettings.ts'

const MEMORY = { limit: undefined, reservation: undefined, swap: undefined }
const CPU = {
  ...{ shares: undefined, quota: undefined, period: undefined, burst: undefined },
  ...{ idle: undefined, cpus: undefined, mems: undefined },
}
const IO = { weight: undefined, deviceWeights: [], rates: [] }
const NOTHING: OciResources = {
  ...{ memory: MEMORY, cpu: CPU, pidsLimit: undefined, io: IO },
  ...{ hugepages: [], rdma: [], unified: {} },
}

const lines = (resources: Partial<OciResources>) =>
  ociSettings({ ...NOTHING, ...resources }).map(({ file, value }) => `${file}: ${value}`)

describe('ociSettings()', () => {
  it('says nothing where nothing is asked for', () => {
    expect(lines({})).toEqual([])
    expect(lines({ memory: { ...MEMORY, limit: 0, swap: 0 }, cpu: { ...CPU, shares: 0, quota: 0 } })).toEqual(
      [],
    )
  })

  it('counts swap alone, where a configuration counts it with the memory', () => {
    expect(lines({ memory: { limit: 100, reservation: 50, swap: 150 } })).toEqual([
      ...['memory.low: 50', 'memory.max: 100', 'memory.swap.max: 50'],
    ])
    expect(lines({ memory: { ...MEMORY, limit: -1, swap: -1 } })).toEqual([
      'memory.max: max',
      'memory.swap.max: max',
    ])
    expect(() => lines({ memory: { ...MEMORY, limit: 100, swap: 50 } })).toThrow('less than memory.limit')
    expect(() => lines({ memory: { ...MEMORY, swap: 50 } })).toThrow('no memory.limit')
  })

  it('gives processor time by weight, quota, burst and set', () => {
    const cpu = { shares: 1024, quota: 50_000, period: 200_000, burst: 10, idle: 1, cpus: '0-1', mems: '0' }
    expect(lines({ cpu })).toEqual([
      ...['cpu.weight: 39', 'cpu.max: 50000 200000', 'cpu.max.burst: 10'],
      ...['cpu.idle: 1', 'cpuset.cpus: 0-1', 'cpuset.mems: 0'],
    ])
    expect(lines({ cpu: { ...CPU, quota: -1 } })).toEqual(['cpu.max: max 100000'])
    expect(lines({ cpu: { ...CPU, period: 5000 } })).toEqual(['cpu.max: max 5000'])
  })

  it('takes a number of processes below one for any', () => {
    expect([7, 0, -1].flatMap((pidsLimit) => lines({ pidsLimit }))).toEqual([
      ...['pids.max: 7', 'pids.max: max', 'pids.max: max'],
    ])
  })

  it('writes a line for each device, page size and file', () => {
    expect(
      lines({
        io: {
          weight: 10,
          deviceWeights: [{ device: '8:0', weight: 1000 }],
          rates: [
            { device: '8:0', kind: 'rbps', rate: 1000 },
            { device: '8:0', kind: 'wiops', rate: 0 },
          ],
        },
        hugepages: [{ pageSize: '2MB', limit: 4 }],
        rdma: [{ device: 'mlx5_1', handles: 3, objects: -1 }],
        unified: { 'memory.high': '5', 'io.max': '8:0 rbps=1\n8:16 rbps=2\n' },
      }),
    ).toEqual([
      ...['io.bfq.weight: default 10', 'io.weight: default 1'],
      ...['io.bfq.weight: 8:0 1000', 'io.weight: 8:0 10000'],
      ...['io.max: 8:0 rbps=1000', 'io.max: 8:0 wiops=max'],
      ...['hugetlb.2MB.max: 4', 'rdma.max: mlx5_1 hca_handle=3 hca_object=max'],
      ...['memory.high: 5', 'io.max: 8:0 rbps=1', 'io.max: 8:16 rbps=2'],
    ])
  })

  it('names controller and place of each', () => {
    expect(ociSettings({ ...NOTHING, memory: { ...MEMORY, limit: 1 } })).toEqual([
      { file: 'memory.max', value: '1', controller: 'memory', option: 'linux.resources.memory.limit' },
    ])
  })
})

describe('completeResources()', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bryo-group-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  it('takes from the group what goes with that which is given', () => {
    writeFileSync(join(directory, 'memory.max'), '4096\n')
    writeFileSync(join(directory, 'cpu.max'), '5000 20000\n')
    const resources = { ...NOTHING, memory: { ...MEMORY, swap: 8192 }, cpu: { ...CPU, quota: 7000 } }
    expect(lines(completeResources(directory, resources))).toEqual([
      ...['memory.max: 4096', 'memory.swap.max: 4096', 'cpu.max: 7000 20000'],
    ])
    expect(lines(completeResources(directory, { ...NOTHING, cpu: { ...CPU, period: 9000 } }))).toEqual([
      'cpu.max: 5000 9000',
    ])
    expect(lines(completeResources(directory, NOTHING))).toEqual([])
  })
})
