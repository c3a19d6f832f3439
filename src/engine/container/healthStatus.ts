import type { ContainerId } from '../../base/brand.ts'
import { writeJsonAtomic } from '../../storage/atomic.ts'
import { containerDirectory } from '../../storage/container/record.ts'
import { hostPath } from '../../storage/hostPath.ts'
import { fieldsOf, readJsonFile } from '../../storage/json.ts'
import type { Store } from '../../storage/store.ts'

/** What the health checks of a container have found so far. */
export interface Health {
  /** starting, healthy or unhealthy. */
  readonly status: string
  readonly failingStreak: number
  readonly log: readonly HealthCheckResult[]
}

export interface HealthCheckResult {
  /** RFC 3339. */
  readonly start: string
  /** RFC 3339. */
  readonly end: string
  readonly exitCode: number
  readonly output: string
}

/** undefined for a container without checks. */
export function readHealth(store: Store, id: ContainerId): Health | undefined {
  const path = hostPath(containerDirectory(store, id), 'health.json')
  const content = readJsonFile(path)
  if (content === undefined) return undefined
  const fields = fieldsOf(content, path)
  return {
    status: fields.text('status'),
    failingStreak: fields.number('failingStreak'),
    log: fields.list('log', (item) => ({
      start: item.text('start'),
      end: item.text('end'),
      exitCode: item.number('exitCode'),
      output: item.text('output'),
    })),
  }
}

export function writeHealth(store: Store, id: ContainerId, health: Health): void {
  writeJsonAtomic(hostPath(containerDirectory(store, id), 'health.json'), health, { durable: false })
}
