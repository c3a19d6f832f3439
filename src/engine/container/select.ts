import { BryoError } from '../../base/errors.ts'
import { readContainers } from '../../storage/container/find.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'
import { latestContainer } from './latest.ts'
import { listContainers } from './list.ts'
import { containerFilter } from './listFilter.ts'

/** Which containers a command means. */
export interface Selection {
  readonly names: readonly string[]
  /** All, or all that run, as `which` says. */
  readonly all: boolean
  /** The one that was created last. */
  readonly latest: boolean
  /** Of all, those that fit: see {@link containerFilter}. */
  readonly filter?: ReadonlyMap<string, readonly string[]>
}

/**
 * The names of the containers that are meant, as the user gave them, or ids.
 * @param which of all: those with processes (`live`), those whose workload has some (`up`), of these the `running` or `paused` ones, those
 *   that have `ended`, or `any`
 * @throws BryoError USAGE where nothing, or two things, were said
 */
export function selectContainers(engine: Engine, selection: Selection, which: Which): readonly string[] {
  const { names, all, latest, filter = new Map() } = selection
  if (filter.size > 0) {
    if (latest || names.length > 0) {
      throw new BryoError('USAGE', '--filter and --latest or containers cannot be used together')
    }
    const fits = containerFilter(engine, filter)
    return listContainers(engine)
      .filter((one) => fits(one) && isMeant(engine, one.record.id, which))
      .map(({ record }) => record.id)
  }
  if (Number(all) + Number(latest) + Number(names.length > 0) > 1) {
    throw new BryoError('USAGE', '--all, --latest and containers cannot be used together')
  }
  if (all) {
    return readContainers(engine.store)
      .filter(({ id }) => isMeant(engine, id, which))
      .map(({ id }) => id)
  }
  if (latest) return [latestContainer(engine).id]
  if (names.length === 0) throw new BryoError('USAGE', 'you must provide at least one name or id')
  return names
}

type Which = 'live' | 'up' | 'running' | 'paused' | 'ended' | 'any'

function isMeant(engine: Engine, id: ContainerRecord['id'], which: Which): boolean {
  if (which === 'any') return true
  const state = effectiveState(engine.store, id)
  const live = isLive(state) || (state.status === 'exited' && state.restarting !== undefined)
  switch (which) {
    case 'live':
      return live
    case 'up':
      return live && state.status !== 'initialized'
    case 'running':
    case 'paused':
      return state.status === which
    case 'ended':
      return !live
  }
}
