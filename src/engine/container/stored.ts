import type { ContainerRecord } from '../../storage/container/record.ts'
import type { ContainerRequest } from './request.ts'
import type { VolumeUse } from './volumes.ts'

/** What the engine stores with a container's record. */
export interface StoredConfig {
  readonly request: ContainerRequest
  readonly volumes: readonly VolumeUse[]
}

/** What create has stored; the record is the caller's own file, which nobody else may write. */
export function storedConfig(record: Pick<ContainerRecord, 'config'>): StoredConfig {
  return record.config as unknown as StoredConfig
}
