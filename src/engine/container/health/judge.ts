import type { Health, HealthCheckResult } from '../healthStatus.ts'
import type { HealthCheck, StartupCheck } from './settings.ts'

export interface Circumstances {
  readonly check: Pick<HealthCheck, 'retries' | 'startPeriodMs'>
  /** The start-up check whose result it is; undefined for the health check itself. */
  readonly startup: Pick<StartupCheck, 'retries' | 'successes'> | undefined
  /** Since the container's start. */
  readonly ranMs: number
  /** Results that are kept; 0 for all. */
  readonly maxCount: number
}

/** What a further result makes of a container's health. Pure. */
export function judge(before: Health, result: HealthCheckResult, circumstances: Circumstances): Health {
  const { check, startup, ranMs, maxCount } = circumstances
  const log = [...before.log, result].slice(-maxCount)
  const passed = result.exitCode === 0
  if (startup) {
    const successes = passed ? (before.startupSuccesses ?? 0) + 1 : 0
    const failingStreak = passed ? 0 : before.failingStreak + 1
    const failed = startup.retries > 0 && failingStreak >= startup.retries
    return {
      status: failed ? 'unhealthy' : 'starting',
      failingStreak: successes >= startup.successes && passed ? 0 : failingStreak,
      log,
      startupSuccesses: successes,
      startupDone: passed && successes >= startup.successes,
    }
  }
  const kept = { log, ...(before.startupDone && { startupDone: true }) }
  if (passed) return { status: 'healthy', failingStreak: 0, ...kept }
  if (before.status === 'starting' && ranMs < check.startPeriodMs) {
    return { status: 'starting', failingStreak: before.failingStreak, ...kept }
  }
  const failingStreak = before.failingStreak + 1
  return { status: failingStreak >= check.retries ? 'unhealthy' : before.status, failingStreak, ...kept }
}
