import { sleep } from '../../base/sleep.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { type ContainerRecord, containerDirectory } from '../../storage/container/record.ts'
import { type ContainerState, effectiveState, isLive } from '../../storage/container/state.ts'
import type { Lock } from '../../storage/lock.ts'
import { tryBeginWork, workName } from '../../storage/work.ts'
import type { Engine } from '../engine.ts'
import { containerSettings } from './settings.ts'
import type { StartSubject } from './start.ts'
import { checkStartable, heldTooLong, lockForStart, PATIENCE_MS, type StartVerb } from './startLock.ts'

/** While it lasts, no other command starts or removes the container. */
export interface StartTurn {
  readonly lock: Lock
  readonly subject: StartSubject
  readonly state: ContainerState
}

const PAUSE_MS = 5
/** A monitor that takes longer to write the end down hangs. */
const STOPPING_MS = 10_000

/**
 * Blocks while other commands, or its monitor, start a container, end it, or remove it.
 * @throws BryoError NOT_FOUND where it was removed, IN_USE or INVALID_STATE where that takes too long
 */
export function awaitTurn(engine: Engine, record: ContainerRecord, verb: StartVerb = 'start'): StartTurn {
  const begun = Date.now()
  for (;;) {
    const waited = Date.now() - begun
    const turn = takeTurn(engine, record, verb, waited)
    if (turn) return turn
    if (waited > PATIENCE_MS) throw heldTooLong(verb, record)
    sleep(PAUSE_MS)
  }
}

function takeTurn(
  engine: Engine,
  record: ContainerRecord,
  verb: StartVerb,
  waited: number,
): StartTurn | undefined {
  const lock = lockForStart(engine, record, verb)
  using stack = new DisposableStack()
  stack.defer(() => lock.release())
  const subject = startSubject(engine, record)
  const state = effectiveState(engine.store, record.id)
  // A `--rm` container is held exactly while it has processes: else it is about to have some, to have lost them, or to be gone.
  const changes = record.autoRemove && isLive(state) === (subject.work !== undefined)
  if (changes || state.status === 'stopping') {
    subject.work?.lock.release()
    if (state.status === 'stopping' && waited > STOPPING_MS) checkStartable(record, state, verb)
    return undefined
  }
  stack.move()
  return { lock, subject, state }
}

/**
 * What starting a container that exists needs.
 * @throws BryoError NOT_FOUND where it was removed meanwhile
 */
export function startSubject(engine: Engine, record: ContainerRecord): StartSubject {
  const work = record.autoRemove ? tryBeginWork(engine.store, workName('container', record.id)) : undefined
  try {
    const directory = containerDirectory(engine.store, record.id)
    if (work) requireContainer(engine.store, record.id)
    return { record, fork: undefined, directory, work, ...containerSettings(engine, record) }
  } catch (error) {
    work?.finish()
    throw error
  }
}
