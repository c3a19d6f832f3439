import { BryoError } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import { SIGKILL } from '../../base/signals.ts'
import { sleep } from '../../base/sleep.ts'
import { findContainer, readContainers, requireContainer } from '../../storage/container/find.ts'
import { endLeftProcesses } from '../../storage/container/leftProcesses.ts'
import { type ContainerRecord, readContainer } from '../../storage/container/record.ts'
import { removeContainer } from '../../storage/container/remove.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Lock } from '../../storage/lock.ts'
import { tryBeginWork, workName } from '../../storage/work.ts'
import type { Engine } from '../engine.ts'
import { containerEvent } from './event.ts'
import { requestedJoins } from './joins.ts'
import { endLeftGroup } from './leftGroup.ts'
import { endContainer, endInitialized } from './lifecycle.ts'
import { acquireStartLock, heldTooLong, PATIENCE_MS } from './startLock.ts'
import { stopContainer } from './stop.ts'
import { storedConfig } from './stored.ts'

export interface RemoveOptions {
  /** Running ones are killed first. */
  readonly force: boolean
  /** Anonymous volumes go too. */
  readonly volumes: boolean
  /** A name that does not exist is no error. */
  readonly ignore: boolean
  /** With `force`: seconds that a running one has to end by itself; 0 (the default) kills it at once, negative waits for ever. */
  readonly timeoutSeconds?: number
  /** How long another command may take that starts it or works with its files; 60 seconds by default. */
  readonly patienceMs?: number
  readonly onWarning?: (text: string) => void
}

/** `rm`: removes one container; gives the name it was called by, undefined where there was none and that is fine. */
export function removeByName(engine: Engine, name: string, options: RemoveOptions): string | undefined {
  const record = findContainer(engine.store, name)
  if (!record && (options.ignore || options.force)) return undefined
  removeRecord(engine, record ?? requireContainer(engine.store, name), options)
  return name
}

/** Ids of the containers that share namespaces of a container, those that depend on them first. */
export function dependants(engine: Engine, name: string): readonly string[] {
  const target = findContainer(engine.store, name)
  if (!target) return []
  return readContainers(engine.store)
    .filter((record) => joinsContainer(engine, record, target))
    .flatMap((record) => [...dependants(engine, record.id), record.id])
}

function joinsContainer({ store }: Engine, record: ContainerRecord, { id }: ContainerRecord): boolean {
  return requestedJoins(storedConfig(record).request).some(
    ({ target }) => target.kind === 'container' && findContainer(store, target.container)?.id === id,
  )
}

/** For `--replace`: whatever has the name goes, running or not. */
export function removeNamed(engine: Engine, name: string): void {
  const record = findContainer(engine.store, name)
  if (record?.name === name) removeRecord(engine, record, { force: true, volumes: true, ignore: true })
}

const PAUSE_MS = 5

function removeRecord(engine: Engine, record: ContainerRecord, options: RemoveOptions): void {
  const deadline = Date.now() + PATIENCE_MS
  let shared = options.force
  for (;;) {
    if (shared && !readContainer(engine.store, record.id)) return
    shared = endForRemoval(engine, record, options) || shared
    const blocked = tryRemoval(engine, record, { ...options, shared })
    if (!blocked) return
    // What is being started will run, and what has just ended is removed by its own monitor.
    if (!shared || Date.now() > deadline) throw blocked
    sleep(PAUSE_MS)
  }
}

/** @returns whether it had to be ended */
function endForRemoval(engine: Engine, record: ContainerRecord, options: RemoveOptions): boolean {
  let state = effectiveState(engine.store, record.id)
  if (state.status === 'initialized') {
    if (endInitialized(engine, record)) return true
    state = effectiveState(engine.store, record.id)
  }
  if (!isLive(state) && !(state.status === 'exited' && state.restarting)) return false
  if (!options.force) throw stillRunning(record, isLive(state) ? state.status : 'restarting')
  const { timeoutSeconds = 0, onWarning = () => {} } = options
  if (timeoutSeconds === 0) endContainer(engine, record, { ...KILL, onWarning })
  else stopContainer(engine, record, { timeoutSeconds, onWarning })
  return true
}

interface Removal extends Pick<RemoveOptions, 'volumes' | 'patienceMs'> {
  /** It may be somebody else who removes it. */
  readonly shared: boolean
}

/** @returns why it could not be removed, where another process works on it */
function tryRemoval(
  engine: Engine,
  record: ContainerRecord,
  { volumes, shared, patienceMs }: Removal,
): BryoError | undefined {
  const { runInUserns, store } = engine
  using lock = startLockIfThere(engine, record, { shared, patienceMs })
  if (!lock) return heldTooLong('remove', record)
  if (isLive(effectiveState(store, record.id))) return stillRunning(record, 'starting')
  const work = tryBeginWork(store, workName('container', record.id))
  if (!work) return beingRemoved(record)
  endLeftGroup(engine, record.id)
  if (storedConfig(record).request.pid !== undefined) endLeftProcesses(record.id)
  removeContainer(store, record.id, { work, runInUserns, removeVolumes: volumes })
  appendEvent(store, containerEvent(record, 'remove'))
  return undefined
}

/** Where others may remove it, one that has gone between two looks at it is no error: the next look tells. */
function startLockIfThere(
  engine: Engine,
  record: ContainerRecord,
  { shared, patienceMs }: Pick<Removal, 'shared'> & { readonly patienceMs: number | undefined },
): Lock | undefined {
  try {
    return acquireStartLock(engine, record, patienceMs)
  } catch (error) {
    if (shared && error instanceof BryoError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

function beingRemoved({ id }: ContainerRecord): BryoError {
  return new BryoError(
    'IN_USE',
    `cannot remove container ${shortId(id)}: another process makes or removes it`,
  )
}

const KILL = { signal: SIGKILL, signalName: 'SIGKILL', timeoutMs: 0 }

function stillRunning(record: ContainerRecord, status: string): BryoError {
  return new BryoError(
    'INVALID_STATE',
    `cannot remove container ${shortId(record.id)} as it is ${status} - running or paused containers cannot be removed without force`,
    { hint: `bryo rm -f ${record.name}` },
  )
}
