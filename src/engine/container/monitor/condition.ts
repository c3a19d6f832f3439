import { BryoError } from '../../../base/errors.ts'
import { sleep } from '../../../base/sleep.ts'
import { findContainer, requireContainer } from '../../../storage/container/find.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState, isLive } from '../../../storage/container/state.ts'
import type { Engine } from '../../engine.ts'
import { readHealth } from '../healthStatus.ts'
import { waitForContainer } from './wait.ts'

const CONDITIONS = [
  'configured',
  'created',
  'initialized',
  'running',
  'stopped',
  'stopping',
  'exited',
  'paused',
  'removed',
  'removing',
  'healthy',
  'unhealthy',
] as const
type Condition = (typeof CONDITIONS)[number]

export interface ConditionRequest {
  /** Any of them will do. */
  readonly conditions: readonly string[]
  readonly intervalMs: number
}

/**
 * Blocks until a container is in one of these states; gives its exit code, -1 where it has none.
 * @throws BryoError USAGE, NOT_FOUND
 */
export function waitForCondition(
  engine: Engine,
  name: string,
  { conditions, intervalMs }: ConditionRequest,
): number {
  const wanted = conditions.flatMap((text) => text.split(',')).map(parseCondition)
  const record = requireContainer(engine.store, name)
  // The monitor tells how a container ended that is gone when one looks.
  const isEnd = wanted.every((condition) => condition === 'stopped' || condition === 'exited')
  if (isEnd && isLive(effectiveState(engine.store, record.id))) return waitForContainer(engine, record.id)
  return waitForFirst(engine, [record.id], { conditions, intervalMs })
}

/** As {@link waitForCondition}, for the first of several containers that fits. */
export function waitForFirst(
  engine: Engine,
  names: readonly string[],
  { conditions, intervalMs }: ConditionRequest,
): number {
  const wanted = conditions.flatMap((text) => text.split(',')).map(parseCondition)
  const records = names.map((name) => requireContainer(engine.store, name))
  const fits = (record: ContainerRecord) => wanted.some((condition) => isMet(engine, record, condition))
  for (;;) {
    const found = records.find(fits)
    if (found) return exitCodeNow(engine, found)
    sleep(Math.max(1, intervalMs))
  }
}

function exitCodeNow({ store }: Engine, { id }: ContainerRecord): number {
  const state = findContainer(store, id) && effectiveState(store, id)
  return state?.status === 'exited' ? (state.exitCode ?? -1) : -1
}

function parseCondition(text: string): Condition {
  const found = CONDITIONS.find((condition) => condition === text.trim())
  if (found) return found
  throw new BryoError('USAGE', `unknown container state: ${text}, expected one of ${CONDITIONS.join(', ')}`)
}

/** What a container that was removed has been, or is. */
const UNTIL_GONE: readonly Condition[] = ['exited', 'removed', 'removing', 'stopped']

function isMet({ store }: Engine, { id, name }: ContainerRecord, condition: Condition): boolean {
  const record = findContainer(store, id)
  if (!record) {
    if (UNTIL_GONE.includes(condition)) return true
    throw new BryoError('NOT_FOUND', `container "${name}" was removed before it was ${condition}`)
  }
  const { status } = effectiveState(store, id)
  switch (condition) {
    case 'removed':
    case 'removing':
      return false
    case 'configured':
      return status === 'created'
    case 'stopped':
      return status === 'exited'
    case 'healthy':
    case 'unhealthy':
      return readHealth(store, id)?.status === condition
    default:
      return status === condition
  }
}

const LOOK_MS = 20

/** `exec --wait`: blocks until a container runs; a negative time waits for ever. @throws BryoError INVALID_STATE, NOT_FOUND */
export function waitForRunning(engine: Engine, name: string, seconds: number): void {
  const record = requireContainer(engine.store, name)
  const deadline = Date.now() + seconds * 1000
  while (!isMet(engine, record, 'running')) {
    if (seconds >= 0 && Date.now() >= deadline) {
      throw new BryoError(
        'INVALID_STATE',
        `cannot run a command in container "${record.name}": it does not run after ${seconds} s`,
      )
    }
    sleep(LOOK_MS)
  }
}
