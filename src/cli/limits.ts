import { BryoError } from '../base/errors.ts'
import { type ResourceLimits, withoutZeros } from '../base/resources.ts'
import type { FlagValues } from './flags/flag.ts'
import type { LIMIT_FLAGS, RESOURCE_FLAGS } from './options/resources.ts'
import { type KeyValue, toRecord } from './parse/keyValue.ts'

type LimitFlags = FlagValues<typeof LIMIT_FLAGS>

/** The limits that were given; undefined for none. */
export function resourceLimits(
  flags: LimitFlags,
  conf: readonly KeyValue[] = [],
): ResourceLimits | undefined {
  const { blkioWeight, cpuPeriod, cpuQuota, cpuShares, cpus, cpusetCpus, cpusetMems } = flags
  const { memory, memoryReservation, memorySwap } = flags
  const deviceRates = [
    ...flags.deviceReadBps,
    ...flags.deviceReadIops,
    ...flags.deviceWriteBps,
    ...flags.deviceWriteIops,
  ]
  const all = {
    blkioWeight,
    cpuPeriod,
    cpuQuota,
    cpuShares,
    cpus,
    cpusetCpus,
    cpusetMems,
    memory,
    memoryReservation,
    memorySwap,
    deviceWeights: flags.blkioWeightDevice.length > 0 ? flags.blkioWeightDevice : undefined,
    deviceRates: deviceRates.length > 0 ? deviceRates : undefined,
    cgroupConf: conf.length > 0 ? toRecord(conf) : undefined,
  }
  const limits = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return Object.keys(limits).length === 0 ? undefined : limits
}

/** The limits that an update or a copy sets; empty for none. */
export function limitUpdate(flags: LimitFlags): {
  readonly limits?: ResourceLimits
  readonly pidsLimit?: number
} {
  const limits = resourceLimits(flags)
  const { pidsLimit } = flags
  return { ...(limits && { limits }), ...(pidsLimit !== undefined && { pidsLimit }) }
}

/** What a container may have, and where its control group is. @throws BryoError USAGE */
export function resourceSettings(flags: FlagValues<typeof RESOURCE_FLAGS>) {
  const { pidsLimit, oomScoreAdj, cgroupParent, cgroups } = flags
  if (oomScoreAdj !== undefined && Math.abs(oomScoreAdj) > 1000) {
    throw new BryoError('USAGE', `invalid value ${oomScoreAdj} for --oom-score-adj: expected -1000 to 1000`)
  }
  // A new container has no limit that 0 would take away.
  const limits = withoutZeros(resourceLimits(flags, flags.cgroupConf) ?? {})
  return {
    ...(limits && { limits }),
    ...(pidsLimit !== undefined && { pidsLimit }),
    ...(oomScoreAdj !== undefined && { oomScoreAdj }),
    ...(cgroupParent !== undefined && { cgroupParent }),
    ...(cgroups !== undefined && { cgroups }),
  }
}
