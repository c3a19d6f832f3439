import type { HealthAction, HealthCheckSettings } from '../../base/health.ts'
import type { RestartPolicy } from '../../base/monitorConfig.ts'
import { changeContainerRecord } from '../../storage/container/create.ts'
import { requireContainer } from '../../storage/container/find.ts'
import type { JsonValue } from '../../storage/json.ts'
import type { Engine } from '../engine.ts'
import { storedConfig } from './stored.ts'

export interface ContainerUpdate {
  readonly restart?: RestartPolicy
  readonly healthcheck?: HealthCheckSettings
  readonly healthAction?: HealthAction
}

/** `update`: changes settings of a container that exists. The restart policy counts at once, a new schedule of health checks from the next start. */
export function updateContainer(engine: Engine, name: string, update: ContainerUpdate): string {
  const record = requireContainer(engine.store, name)
  changeContainerRecord(engine.store, record.id, (current) => {
    const config = storedConfig(current)
    const { request } = config
    const healthcheck = update.healthcheck && { ...request.healthcheck, ...update.healthcheck }
    const changed = { ...config, request: { ...request, ...update, ...(healthcheck && { healthcheck }) } }
    return { ...current, config: changed as unknown as JsonValue }
  })
  return record.id
}
