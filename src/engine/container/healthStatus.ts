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
  /** The start-up check has passed, and is not run any more. */
  readonly startupDone?: boolean
  /** How often in a row it has passed so far. */
  readonly startupSuccesses?: number
}

export interface HealthCheckResult {
  /** RFC 3339. */
  readonly start: string
  /** RFC 3339. */
  readonly end: string
  readonly exitCode: number
  readonly output: string
}

/** As `inspect` shows it. */
export function healthDocument({ status, failingStreak, log }: Health): Readonly<Record<string, unknown>> {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: log.map(({ start, end, exitCode, output }) => ({
      Start: start,
      End: end,
      ExitCode: exitCode,
      Output: output,
    })),
  }
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
    ...(fields.has('startupDone') && { startupDone: fields.flag('startupDone') }),
    ...(fields.has('startupSuccesses') && { startupSuccesses: fields.number('startupSuccesses') }),
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

/** At a container's start. */
export const INITIAL_HEALTH: Health = { status: 'starting', failingStreak: 0, log: [] }
