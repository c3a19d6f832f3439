import type { HealthAction, HealthCheckSettings, HealthLogSettings } from '../../base/health.ts'
import type { RestartPolicy } from '../../base/monitorConfig.ts'
import { type ResourceLimits, withoutZeros } from '../../base/resources.ts'
import { DEFAULT_PERIOD_US, quotaOfCpus } from '../../cgroup/settings.ts'
import { changeContainerRecord } from '../../storage/container/create.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { appendEvent } from '../../storage/events.ts'
import type { JsonValue } from '../../storage/json.ts'
import type { Engine } from '../engine.ts'
import { containerEvent } from './event.ts'
import type { ContainerRequest } from './request.ts'
import { storedConfig } from './stored.ts'

export interface ContainerUpdate {
  readonly limits?: ResourceLimits
  readonly pidsLimit?: number
  readonly restart?: RestartPolicy
  readonly healthcheck?: HealthCheckSettings
  readonly healthAction?: HealthAction
  /** `NAME=value`: set over what there is. */
  readonly env?: readonly string[]
  /** Names that go. */
  readonly unsetEnv?: readonly string[]
  readonly healthLog?: HealthLogSettings
}

/**
 * `update`: changes settings of a container that exists. Limits and the restart policy count at once, a new schedule of health checks from the
 * next start.
 * @throws BryoError USAGE, UNSUPPORTED for limits that make no sense or cannot be set; nothing is changed then
 */
export async function updateContainer(
  engine: Engine,
  name: string,
  update: ContainerUpdate,
): Promise<string> {
  const record = requireContainer(engine.store, name)
  const before = storedConfig(record).request
  if ((update.limits ?? update.pidsLimit) !== undefined) {
    const { limitRunning } = await import('./resourcesUpdate.ts')
    limitRunning(engine, record, mergeUpdate(before, update), mergeLimits(before.limits, update.limits))
  }
  changeContainerRecord(engine.store, record.id, (current) => {
    const config = storedConfig(current)
    return {
      ...current,
      config: { ...config, request: mergeUpdate(config.request, update) } as unknown as JsonValue,
    }
  })
  appendEvent(engine.store, containerEvent(record, 'update'))
  return record.id
}

/** A request with the settings of an update. Pure. */
export function mergeUpdate(request: ContainerRequest, update: ContainerUpdate): ContainerRequest {
  const healthcheck = update.healthcheck && { ...request.healthcheck, ...update.healthcheck }
  const limits = withoutZeros(mergeLimits(request.limits, update.limits))
  const healthLog = update.healthLog && { ...request.healthLog, ...update.healthLog }
  const { limits: _, ...rest } = { ...request, ...update }
  return {
    ...rest,
    ...environment(request, update),
    ...(healthcheck && { healthcheck }),
    ...(healthLog && { healthLog }),
    ...(limits && { limits }),
  }
}

/** What is set is unset no longer, and the other way round. */
function environment(
  { env, unsetEnv }: ContainerRequest,
  update: ContainerUpdate,
): Pick<ContainerRequest, 'env' | 'unsetEnv'> {
  const nameOf = (entry: string) => entry.split('=', 1)[0] ?? entry
  const { env: set = [], unsetEnv: gone = [] } = update
  const names = new Set([...set.map(nameOf), ...gone])
  return {
    env: [...env.filter((entry) => !names.has(nameOf(entry))), ...set],
    unsetEnv: [
      ...new Set([...unsetEnv.filter((name) => !set.some((entry) => nameOf(entry) === name)), ...gone]),
    ],
  }
}

/** What says the same in other words goes, and what is taken away is 0. A number of processors of which a part is changed becomes a quota. */
function mergeLimits(before: ResourceLimits = {}, update: ResourceLimits = {}): ResourceLimits {
  const { cpus, cpuPeriod, cpuQuota, memorySwap, deviceRates = [], deviceWeights = [], ...rest } = before
  const quota = (update.cpuPeriod ?? update.cpuQuota) !== undefined
  const newRates = update.deviceRates ?? []
  const rates = [
    ...deviceRates.filter(
      (old) => !newRates.some((rate) => rate.path === old.path && rate.kind === old.kind),
    ),
    ...newRates,
  ]
  const newWeights = update.deviceWeights ?? []
  const weights = [
    ...deviceWeights.filter((old) => !newWeights.some(({ path }) => path === old.path)),
    ...newWeights,
  ]
  return {
    ...rest,
    ...(cpus !== undefined &&
      (quota ? { cpuPeriod: DEFAULT_PERIOD_US, cpuQuota: quotaOfCpus(cpus) } : { cpus })),
    ...(update.cpus === undefined && cpuPeriod !== undefined && { cpuPeriod }),
    ...(update.cpus === undefined && cpuQuota !== undefined && { cpuQuota }),
    // A new limit of memory brings its own swap where nothing else is said.
    ...(update.memory === undefined && memorySwap !== undefined && { memorySwap }),
    ...update,
    ...(rates.length > 0 && { deviceRates: rates }),
    ...(weights.length > 0 && { deviceWeights: weights }),
  }
}
