/** A health check as an image or options describe it; what is missing is as the other says, or the default. */
export interface HealthCheckSettings {
  /** `CMD` and arguments, `CMD-SHELL` and a line for the shell, or `NONE`; empty for the image's. */
  readonly test?: readonly string[]
  /** 0 for no schedule. */
  readonly intervalMs?: number
  readonly timeoutMs?: number
  /** Failures in a row until it counts as unhealthy. */
  readonly retries?: number
  /** Failures in this time after the start do not count. */
  readonly startPeriodMs?: number
}

/** What follows when a container becomes unhealthy. */
export const HEALTH_ACTIONS = ['none', 'kill', 'restart', 'stop'] as const
export type HealthAction = (typeof HEALTH_ACTIONS)[number]

/** What is kept of the results. */
export interface HealthLogSettings {
  /** `local`, `events_logger` or an absolute path of a directory; `local` where absent. */
  readonly destination?: string
  /** 0 for all. */
  readonly maxCount?: number
  /** Bytes of each output; 0 for all. */
  readonly maxSize?: number
}

/** Runs instead of the health check until it has succeeded often enough. */
export interface StartupCheckSettings extends Omit<HealthCheckSettings, 'startPeriodMs'> {
  readonly successes?: number
}
