import { writeFileSync } from 'node:fs'
import { BryoError } from '../../../base/errors.ts'
import type { HealthAction } from '../../../base/health.ts'
import { SIGKILL } from '../../../base/signals.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import { type ContainerRecord, containerDirectory } from '../../../storage/container/record.ts'
import { effectiveState } from '../../../storage/container/state.ts'
import { appendEvent } from '../../../storage/events.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { acquireLock } from '../../../storage/lock.ts'
import type { Engine } from '../../engine.ts'
import { containerEvent } from '../event.ts'
import { captureInContainer } from '../exec/capture.ts'
import { runningInit } from '../exec/exec.ts'
import {
  type Health,
  type HealthCheckResult,
  healthDocument,
  INITIAL_HEALTH,
  readHealth,
  writeHealth,
} from '../healthStatus.ts'
import { signalProcess } from '../lifecycle.ts'
import { notifyHost } from '../notify.ts'
import type { ContainerRequest } from '../request.ts'
import { containerSettings } from '../settings.ts'
import { judge } from './judge.ts'
import { healthCheckOf, healthLogOf, startupCheckOf } from './settings.ts'

/** Of a check without a bound: a container is not to fill the memory. */
const MAX_OUTPUT = 16 * 1024 * 1024
/** In an event, which is one line. */
const MAX_EVENT = 4096
/** Of Podman's, for a check that did not end in time. */
const TIMED_OUT = -1

export interface CheckEnd {
  readonly health: Health
  readonly passed: boolean
  /** What the container's options ask for, now that it is unhealthy. */
  readonly action: HealthAction
}

/**
 * Runs a container's health check once, or its start-up check where that has not passed yet, and writes down what it found.
 * @throws BryoError USAGE where it has none, INVALID_STATE where it does not run
 */
export async function checkHealth(engine: Engine, name: string): Promise<CheckEnd> {
  const record = requireContainer(engine.store, name)
  const { config, image } = containerSettings(engine, record)
  const check = healthCheckOf(config.request, image)
  if (!check) throw new BryoError('USAGE', `container ${record.name} has no defined healthcheck`)
  const init = runningInit(engine, record)
  // One at a time: the schedule's, or one that somebody asked for.
  using _checking = acquireLock(hostPath(containerDirectory(engine.store, record.id), 'health.lock'), {
    mode: 'exclusive',
    wait: true,
  })
  const startup = startupCheckOf(config.request)
  const before = readHealth(engine.store, record.id) ?? INITIAL_HEALTH
  const starting = startup !== undefined && before.startupDone !== true
  const { command, timeoutMs } = starting ? startup : check
  const log = healthLogOf(config.request)
  const start = new Date()
  const { exitCode, output } = await captureInContainer(
    engine,
    { record, init },
    { command, timeoutMs, maxOutput: log.maxSize || MAX_OUTPUT },
  )
  const result: HealthCheckResult = {
    start: start.toISOString(),
    end: new Date().toISOString(),
    exitCode: exitCode ?? TIMED_OUT,
    output:
      exitCode === undefined ? `${output}health check exceeded its time of ${timeoutMs / 1000} s` : output,
  }
  const state = effectiveState(engine.store, record.id)
  const startedAt = 'startedAt' in state ? state.startedAt : undefined
  const health = judge(before, result, {
    check,
    startup: starting ? startup : undefined,
    maxCount: log.maxCount,
    ranMs: start.getTime() - Date.parse(startedAt ?? result.start),
  })
  const inEvents = log.destination === 'events_logger'
  writeHealth(engine.store, record.id, inEvents ? { ...health, log: [] } : health)
  // Where an option puts it beside the store: a document for each container.
  if (!inEvents && log.destination !== 'local')
    writeFileSync(
      `${log.destination}/${record.id}-healthcheck.log`,
      `${JSON.stringify(healthDocument(health))}\n`,
    )
  announceHealth(engine, config.request, before, health)
  const attributes = {
    health_status: health.status,
    ...(inEvents && { health_log: result.output.slice(0, MAX_EVENT) }),
  }
  appendEvent(engine.store, containerEvent(record, 'health_status', attributes))
  const turned = health.status === 'unhealthy' && before.status !== 'unhealthy'
  const action = turned ? (config.request.healthAction ?? 'none') : 'none'
  return { health, passed: result.exitCode === 0, action }
}

/** A service that is ready once it is healthy. */
function announceHealth(engine: Engine, { notify }: ContainerRequest, before: Health, now: Health): void {
  const socket = engine.facts.env.NOTIFY_SOCKET ?? ''
  if (notify !== 'healthy' || socket === '' || now.status !== 'healthy' || before.status === 'healthy') return
  notifyHost(socket, ['READY=1'])
}

/** Kills a container that is unhealthy; its restart policy decides what follows. */
export function killUnhealthy(engine: Engine, { id }: ContainerRecord): void {
  const state = effectiveState(engine.store, id)
  if (state.status === 'running') signalProcess(state.process, SIGKILL)
}
