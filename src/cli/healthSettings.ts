import { statSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import type { FlagValues } from './flags/flag.ts'
import { given } from './given.ts'
import type { HEALTH_FLAGS } from './options/health.ts'
import { parseHealthCommand } from './parse/healthCommand.ts'
import { absoluteHostPath } from './parse/path.ts'

/** What the options of health checks ask for. */
export function healthSettings(flags: FlagValues<typeof HEALTH_FLAGS>, cwd: string) {
  const { healthCmd, healthStartupCmd } = flags
  const test = flags.noHealthcheck
    ? ['NONE']
    : healthCmd === undefined
      ? undefined
      : parseHealthCommand(healthCmd)
  const healthcheck = {
    ...given('test', test),
    ...given('intervalMs', flags.healthInterval),
    ...given('timeoutMs', flags.healthTimeout),
    ...given('retries', flags.healthRetries),
    ...given('startPeriodMs', flags.healthStartPeriod),
  }
  const startupCheck = healthStartupCmd !== undefined && {
    test: parseHealthCommand(healthStartupCmd),
    ...given('intervalMs', flags.healthStartupInterval),
    ...given('timeoutMs', flags.healthStartupTimeout),
    ...given('retries', flags.healthStartupRetries),
    ...given('successes', flags.healthStartupSuccess),
  }
  const healthLog = {
    ...given('destination', logDestination(flags.healthLogDestination, cwd)),
    ...given('maxCount', flags.healthMaxLogCount),
    ...given('maxSize', flags.healthMaxLogSize),
  }
  return {
    ...(Object.keys(healthcheck).length > 0 && { healthcheck }),
    ...(startupCheck && { startupCheck }),
    ...given('healthAction', flags.healthOnFailure),
    ...(Object.keys(healthLog).length > 0 && { healthLog }),
  }
}

/** `local`, `events_logger` or a directory. @throws BryoError USAGE */
function logDestination(text: string | undefined, cwd: string): string | undefined {
  if (text === undefined || text === 'local' || text === 'events_logger') return text
  const path = absoluteHostPath(text, cwd)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  throw new BryoError(
    'USAGE',
    `cannot keep the log of health checks in "${path}": it is no directory, expected one, local or events_logger`,
  )
}
