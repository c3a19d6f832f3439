import type { ResourceLimits } from '../base/resources.ts'

/** A value for a file of a control group. */
export interface CgroupSetting {
  readonly file: string
  readonly value: string
  /** What has to be delegated for the file to be there. */
  readonly controller: string
  /** Named where it cannot be set; undefined for one that was not asked for and may be left out. */
  readonly option: string | undefined
}

export interface AllLimits extends ResourceLimits {
  readonly pidsLimit?: number
  /** What RLIMIT_NPROC holds it to as well, so that nothing is lost without the controller. */
  readonly defaultPidsLimit?: number
}

export const DEFAULT_PERIOD_US = 100_000
/** The kernel's. */
const DEFAULT_WEIGHT = 100

/** Microseconds of each default period. */
export function quotaOfCpus(cpus: number): number {
  return Math.round(cpus * DEFAULT_PERIOD_US)
}

/**
 * What limits mean in files of cgroup v2, in the order in which they are to be written.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
export function cgroupSettings(
  limits: AllLimits,
  deviceNumber: (path: string) => string,
): readonly CgroupSetting[] {
  return [
    ...memorySettings(limits),
    ...cpuSettings(limits),
    ...cpusetSettings(limits),
    ...pidsSettings(limits),
    ...ioSettings(limits, deviceNumber),
    ...Object.entries(limits.cgroupConf ?? {}).map(([file, value]) => ({
      file,
      value,
      controller: file.split('.')[0] ?? file,
      option: '--cgroup-conf',
    })),
  ]
}

function memorySettings({ memory, memoryReservation, memorySwap }: ResourceLimits): readonly CgroupSetting[] {
  const controller = 'memory'
  const settings: CgroupSetting[] = []
  if (memoryReservation !== undefined) {
    settings.push({
      file: 'memory.low',
      value: String(memoryReservation),
      controller,
      option: '--memory-reservation',
    })
  }
  if (memory !== undefined) {
    const asked = memory > 0 && memorySwap !== undefined && memorySwap !== 0
    settings.push(
      { file: 'memory.max', value: memory > 0 ? String(memory) : 'max', controller, option: '--memory' },
      {
        file: 'memory.swap.max',
        value: swapOf(memory, memorySwap || undefined),
        controller,
        option: asked ? '--memory-swap' : undefined,
      },
    )
  }
  return settings
}

/** The kernel counts swap alone. Docker's rule: as much again as there is memory, where nothing is said. */
function swapOf(memory: number, memorySwap: number | undefined): string {
  if (memory === 0 || memorySwap === -1) return 'max'
  return String(memorySwap === undefined ? memory : memorySwap - memory)
}

function cpuSettings({ cpus, cpuPeriod, cpuQuota, cpuShares }: ResourceLimits): readonly CgroupSetting[] {
  const controller = 'cpu'
  const settings: CgroupSetting[] = []
  if (cpus !== undefined) {
    settings.push({
      file: 'cpu.max',
      value: `${cpus > 0 ? quotaOfCpus(cpus) : 'max'} ${DEFAULT_PERIOD_US}`,
      controller,
      option: '--cpus',
    })
  } else if ((cpuPeriod ?? cpuQuota) !== undefined) {
    const quota = cpuQuota === undefined || cpuQuota <= 0 ? 'max' : String(cpuQuota)
    settings.push({
      file: 'cpu.max',
      value: `${quota} ${cpuPeriod || DEFAULT_PERIOD_US}`,
      controller,
      option: cpuQuota === undefined ? '--cpu-period' : '--cpu-quota',
    })
  }
  if (cpuShares !== undefined) {
    settings.push({
      file: 'cpu.weight',
      value: String(cpuShares > 0 ? weightOfShares(cpuShares) : DEFAULT_WEIGHT),
      controller,
      option: '--cpu-shares',
    })
  }
  return settings
}

/** 2..262144 as 1..10000. */
export function weightOfShares(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142)
}

/** 10..1000 as 1..10000. */
export function ioWeightOf(blkioWeight: number): number {
  return 1 + Math.floor(((blkioWeight - 10) * 9999) / 990)
}

function cpusetSettings({ cpusetCpus, cpusetMems }: ResourceLimits): readonly CgroupSetting[] {
  const setting = (file: string, value: string | undefined, option: string) =>
    value === undefined || value === '' ? [] : [{ file, value, controller: 'cpuset', option }]
  return [
    ...setting('cpuset.cpus', cpusetCpus, '--cpuset-cpus'),
    ...setting('cpuset.mems', cpusetMems, '--cpuset-mems'),
  ]
}

function pidsSettings({ pidsLimit, defaultPidsLimit }: AllLimits): readonly CgroupSetting[] {
  const limit = pidsLimit ?? defaultPidsLimit
  if (limit === undefined) return []
  return [
    {
      file: 'pids.max',
      value: limit > 0 ? String(limit) : 'max',
      controller: 'pids',
      // None is what there is without the controller as well.
      option: limit > 0 && defaultPidsLimit === undefined ? '--pids-limit' : undefined,
    },
  ]
}

const RATE_OPTIONS = {
  rbps: '--device-read-bps',
  wbps: '--device-write-bps',
  riops: '--device-read-iops',
  wiops: '--device-write-iops',
} as const

function ioSettings(
  { blkioWeight, deviceRates = [], deviceWeights = [] }: ResourceLimits,
  deviceNumber: (path: string) => string,
): readonly CgroupSetting[] {
  return [
    ...(blkioWeight === undefined
      ? []
      : weightSettings({ key: 'default', weight: blkioWeight, option: '--blkio-weight' })),
    ...deviceWeights.flatMap(({ path, weight }) =>
      weightSettings({ key: deviceNumber(path), weight, option: '--blkio-weight-device' }),
    ),
    ...deviceRates.map(({ path, kind, rate }) => ({
      file: 'io.max',
      value: `${deviceNumber(path)} ${kind}=${rate === 0 ? 'max' : rate}`,
      controller: 'io',
      option: RATE_OPTIONS[kind],
    })),
  ]
}

interface IoWeight {
  /** Number of a device; `default` for all others. */
  readonly key: string
  /** 10 to 1000; 0 for none. */
  readonly weight: number
  readonly option: string
}

/** The BFQ scheduler has a file of its own, in which weights are as they are given; where it is in use, the other one has no effect. */
export function weightSettings({ key, weight, option }: IoWeight): readonly CgroupSetting[] {
  const controller = 'io'
  const none = key === 'default' ? DEFAULT_WEIGHT : 'default'
  return [
    { file: 'io.bfq.weight', value: `${key} ${weight || none}`, controller, option: undefined },
    { file: 'io.weight', value: `${key} ${weight === 0 ? none : ioWeightOf(weight)}`, controller, option },
  ]
}
