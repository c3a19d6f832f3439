/** What a container may have of the host; a field that is missing sets no limit of ours. Plain data, stored with the container. */
export interface ResourceLimits {
  /** Bytes. */
  readonly memory?: number
  readonly memoryReservation?: number
  /** Memory and swap together; -1 for any amount of swap. */
  readonly memorySwap?: number
  /** Processors, 0.5 for half of one. */
  readonly cpus?: number
  /** Relative, 1024 for the usual share. */
  readonly cpuShares?: number
  /** Microseconds. */
  readonly cpuPeriod?: number
  /** Microseconds of each period; -1 for no limit. */
  readonly cpuQuota?: number
  /** `0-2,4` */
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  /** 10 to 1000. */
  readonly blkioWeight?: number
  readonly deviceRates?: readonly DeviceRate[]
  readonly deviceWeights?: readonly DeviceWeight[]
  /** Files of the container's control group and what is written into them. */
  readonly cgroupConf?: Readonly<Record<string, string>>
}

/** Those that limit something: one of 0 is none. @returns undefined where none is left */
export function withoutZeros({
  deviceRates,
  deviceWeights,
  ...rest
}: ResourceLimits): ResourceLimits | undefined {
  const rates = deviceRates?.filter(({ rate }) => rate !== 0) ?? []
  const weights = deviceWeights?.filter(({ weight }) => weight !== 0) ?? []
  const limits: ResourceLimits = {
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== 0)),
    ...(rates.length > 0 && { deviceRates: rates }),
    ...(weights.length > 0 && { deviceWeights: weights }),
  }
  return Object.keys(limits).length === 0 ? undefined : limits
}

/** How fast a block device may be used. */
export interface DeviceRate {
  /** Of the device node. */
  readonly path: string
  readonly kind: 'rbps' | 'wbps' | 'riops' | 'wiops'
  /** Bytes or operations a second. */
  readonly rate: number
}

/** Share of one block device. */
export interface DeviceWeight {
  /** Of the device node. */
  readonly path: string
  /** 10 to 1000. */
  readonly weight: number
}

/** Where a container's control group is made, if at all. */
export type CgroupMode = 'enabled' | 'disabled' | 'no-conmon' | 'split'

export const CGROUP_MODES: readonly CgroupMode[] = ['enabled', 'disabled', 'no-conmon', 'split']
