import { BryoError } from '../../base/errors.ts'
import { freezeGroup } from '../../cgroup/group.ts'
import { requireContainer } from '../../storage/container/find.ts'
import { effectiveState, isProcessAlive, type ProcessRef, writeState } from '../../storage/container/state.ts'
import { appendEvent } from '../../storage/events.ts'
import type { Engine } from '../engine.ts'
import { containerEvent } from './event.ts'

/**
 * `pause` and `unpause`: the freezer of its control group stops all processes of a container.
 * @returns the name it was called by
 * @throws BryoError INVALID_STATE where it does not run, UNSUPPORTED where it has no control group
 */
export function pauseContainer(engine: Engine, name: string, verb: 'pause' | 'unpause'): string {
  const record = requireContainer(engine.store, name)
  const state = effectiveState(engine.store, record.id)
  const [expected, next] =
    verb === 'pause' ? (['running', 'paused'] as const) : (['paused', 'running'] as const)
  if (state.status !== expected) {
    throw new BryoError(
      'INVALID_STATE',
      `cannot ${verb} container "${record.name}": it is ${state.status}, expected ${expected}`,
    )
  }
  if (state.cgroup === undefined) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot pause container "${record.name}": it has no control group of its own, whose freezer would stop it`,
      {
        hint: 'that needs cgroup v2 and a session of systemd, and no --cgroups disabled; kill --signal STOP stops its first process alone',
      },
    )
  }
  const { cgroup } = state
  const write = () => writeState(engine.store, record.id, { ...state, status: next })
  if (!(verb === 'pause' ? freeze(cgroup, state.process, write) : thaw(cgroup, write)))
    throw new BryoError('RUNTIME', `cannot ${verb} container "${record.name}": its processes do not follow`)
  appendEvent(engine.store, containerEvent(record, verb))
  return name
}

/** What has ended meanwhile is not paused: its monitor has written that. */
function freeze(cgroup: string, init: ProcessRef, write: () => void): boolean {
  if (freezeGroup(cgroup, true) && isProcessAlive(init)) {
    write()
    return true
  }
  freezeGroup(cgroup, false)
  return false
}

/** Once it goes on it may end, and its monitor writes that: so nothing is written after. */
function thaw(cgroup: string, write: () => void): boolean {
  write()
  return freezeGroup(cgroup, false)
}
