import { BryoError } from '../../base/errors.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { effectiveState } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'

/**
 * `pause` and `unpause`: the freezer stops a control group, and containers have none of their own so far.
 * @throws BryoError INVALID_STATE where it does not run, else UNSUPPORTED
 */
export function pauseContainer(engine: Engine, name: string, verb: 'pause' | 'unpause'): never {
  const record = requireContainer(engine.store, name)
  const { status } = effectiveState(engine.store, record.id)
  if (verb === 'unpause' || status !== 'running') {
    const expected = verb === 'pause' ? 'running' : 'paused'
    throw new BryoError(
      'INVALID_STATE',
      `cannot ${verb} container "${record.name}": it is ${status}, expected ${expected}`,
    )
  }
  throw new BryoError(
    'UNSUPPORTED',
    `cannot pause container "${record.name}": it has no control group of its own, whose freezer would stop it`,
    { hint: 'kill --signal STOP stops its first process alone, kill --signal CONT lets it go on' },
  )
}
