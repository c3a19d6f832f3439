import { BryoError } from '../base/errors.ts'
import type { OciResources } from '../base/ociResources.ts'
import { readControl } from './hierarchy.ts'
import { type CgroupSetting, DEFAULT_PERIOD_US, weightOfShares, weightSettings } from './settings.ts'

/**
 * What the resources of an OCI configuration mean in files of cgroup v2, in the order in which they are to be written. Pure.
 * @throws BryoError USAGE where two of them contradict each other
 */
export function ociSettings(resources: OciResources): readonly CgroupSetting[] {
  const { memory, cpu, pidsLimit, io, hugepages, rdma, unified } = resources
  return [
    ...setting('memory.low', orMax(memory.reservation), 'memory.reservation'),
    ...setting('memory.max', orMax(memory.limit || undefined), 'memory.limit'),
    ...setting('memory.swap.max', swapOf(memory), 'memory.swap'),
    ...setting('cpu.weight', cpu.shares ? String(weightOfShares(cpu.shares)) : undefined, 'cpu.shares'),
    ...setting('cpu.max', quotaOf(cpu), cpu.quota === undefined ? 'cpu.period' : 'cpu.quota'),
    ...setting('cpu.max.burst', cpu.burst?.toString(), 'cpu.burst'),
    ...setting('cpu.idle', cpu.idle?.toString(), 'cpu.idle'),
    ...setting('cpuset.cpus', cpu.cpus, 'cpu.cpus'),
    ...setting('cpuset.mems', cpu.mems, 'cpu.mems'),
    ...setting('pids.max', orMax(pidsLimit === 0 ? -1 : pidsLimit), 'pids.limit'),
    ...(io.weight
      ? weightSettings({ key: 'default', weight: io.weight, option: 'linux.resources.blockIO.weight' })
      : []),
    ...io.deviceWeights.flatMap(({ device, weight }) =>
      weightSettings({ key: device, weight, option: 'linux.resources.blockIO.weightDevice' }),
    ),
    ...io.rates.flatMap(({ device, kind, rate }) =>
      setting('io.max', `${device} ${kind}=${rate > 0 ? rate : 'max'}`, 'blockIO'),
    ),
    ...hugepages.flatMap(({ pageSize, limit }) =>
      setting(`hugetlb.${pageSize}.max`, orMax(limit), 'hugepageLimits'),
    ),
    ...rdma.flatMap(({ device, handles, objects }) =>
      setting(
        'rdma.max',
        [device, ...pair('hca_handle', handles), ...pair('hca_object', objects)].join(' '),
        'rdma',
      ),
    ),
    ...Object.entries(unified).flatMap(([file, value]) =>
      // A file such as io.max takes a line at a time.
      value.split('\n').flatMap((line) => setting(file, line || undefined, 'unified')),
    ),
  ]
}

function setting(file: string, value: string | 0 | undefined, name: string): readonly CgroupSetting[] {
  if (value === undefined || value === 0) return []
  const controller = file.slice(0, file.indexOf('.'))
  return [{ file, value, controller, option: `linux.resources.${name}` }]
}

function orMax(amount: number | undefined): string | undefined {
  return amount === undefined || amount >= 0 ? amount?.toString() : 'max'
}

function pair(key: string, amount: number | undefined): readonly string[] {
  return amount === undefined ? [] : [`${key}=${orMax(amount)}`]
}

/** The kernel counts swap alone, a configuration memory and swap together. */
function swapOf({ limit, swap }: OciResources['memory']): string | undefined {
  if (swap === undefined || swap === 0) return undefined
  if (swap < 0) return 'max'
  if (limit !== undefined && limit > 0 && swap >= limit) return String(swap - limit)
  const found =
    limit === undefined || limit <= 0 ? 'no memory.limit' : `less than memory.limit, which is ${limit}`
  throw new BryoError(
    'USAGE',
    `cannot use linux.resources.memory.swap ${swap}: found ${found}, expected it to hold memory and swap together`,
  )
}

function quotaOf({ quota, period }: OciResources['cpu']): string | undefined {
  if (!quota && !period) return undefined
  return `${quota && quota > 0 ? quota : 'max'} ${period && period > 0 ? period : DEFAULT_PERIOD_US}`
}

/** Resources for a group that is held to some already: what goes together with what is given, but was not given, is the group's. */
export function completeResources(directory: string, resources: OciResources): OciResources {
  const { memory, cpu } = resources
  const [quota, period] = (readControl(`${directory}/cpu.max`) ?? '').trim().split(' ')
  const changesQuota = cpu.quota !== undefined || cpu.period !== undefined
  return {
    ...resources,
    memory: {
      ...memory,
      limit: memory.limit ?? (memory.swap && memory.swap > 0 ? currentMemory(directory) : undefined),
    },
    cpu: changesQuota
      ? {
          ...cpu,
          quota: cpu.quota ?? (Number(quota) || undefined),
          period: cpu.period ?? (Number(period) || undefined),
        }
      : cpu,
  }
}

function currentMemory(directory: string): number | undefined {
  return Number(readControl(`${directory}/memory.max`)) || undefined
}
