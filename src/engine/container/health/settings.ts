import type { HealthLogSettings, StartupCheckSettings } from '../../../base/health.ts'
import type { ImageConfig } from '../../../base/image.ts'
import type { HealthSchedule } from '../../../base/monitorConfig.ts'
import type { ContainerRequest } from '../request.ts'

/** A health check with all its settings. */
export interface HealthCheck {
  /** The program and its arguments. */
  readonly command: readonly string[]
  /** 0 for no schedule. */
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly retries: number
  readonly startPeriodMs: number
}

export interface StartupCheck extends Omit<HealthCheck, 'startPeriodMs'> {
  readonly successes: number
}

const DEFAULT_INTERVAL_MS = 30_000
const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_RETRIES = 3

type Checked = Pick<ContainerRequest, 'healthcheck' | 'startupCheck'>

/** The container's health check: what its options leave open is the image's, or the default. undefined where it has none. */
export function healthCheckOf(
  { healthcheck = {} }: Checked,
  image: Pick<ImageConfig, 'healthcheck'> | undefined,
): HealthCheck | undefined {
  const own = healthcheck.test ?? []
  const settings = { ...image?.healthcheck, ...healthcheck }
  const command = commandOf(own.length > 0 ? own : (image?.healthcheck?.test ?? []))
  if (command.length === 0) return undefined
  return {
    command,
    intervalMs: settings.intervalMs ?? DEFAULT_INTERVAL_MS,
    timeoutMs: settings.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    retries: settings.retries ?? DEFAULT_RETRIES,
    startPeriodMs: settings.startPeriodMs ?? 0,
  }
}

const DEFAULT_LOG: Required<HealthLogSettings> = { destination: 'local', maxCount: 5, maxSize: 4096 }

export function healthLogOf({ healthLog }: Pick<ContainerRequest, 'healthLog'>): Required<HealthLogSettings> {
  return { ...DEFAULT_LOG, ...healthLog }
}

export function startupCheckOf({ startupCheck }: Checked): StartupCheck | undefined {
  const command = commandOf(startupCheck?.test ?? [])
  if (!startupCheck || command.length === 0) return undefined
  return { command, ...startupDefaults(startupCheck) }
}

function startupDefaults(settings: StartupCheckSettings): Omit<StartupCheck, 'command'> {
  return {
    intervalMs: settings.intervalMs ?? DEFAULT_INTERVAL_MS,
    timeoutMs: settings.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // 0: it may fail as often as it likes.
    retries: settings.retries ?? 0,
    successes: settings.successes ?? 0,
  }
}

/** @see https://docs.docker.com/reference/dockerfile/#healthcheck */
function commandOf(test: readonly string[]): readonly string[] {
  const [kind, ...rest] = test
  switch (kind) {
    case undefined:
    case 'NONE':
      return []
    case 'CMD':
      return rest
    case 'CMD-SHELL':
      return ['/bin/sh', '-c', rest.join(' ')]
    default:
      return test
  }
}

/** When the monitor has to check. */
export function healthSchedule(
  request: Checked,
  image: Pick<ImageConfig, 'healthcheck'> | undefined,
): HealthSchedule | undefined {
  const check = healthCheckOf(request, image)
  const startup = startupCheckOf(request)
  if (!check || check.intervalMs === 0) return undefined
  return { intervalMs: check.intervalMs, ...(startup && { startupIntervalMs: startup.intervalMs }) }
}
