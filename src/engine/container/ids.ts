import { readContainers } from '../../storage/container/find.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import { usernsModeFromFlags } from '../../userns/flags.ts'
import { readIdMaps } from '../../userns/nested.ts'
import { type IdMapPlan, type IdResources, planIdMaps } from '../../userns/plan.ts'
import { readSubordinateIds } from '../../userns/subids.ts'
import type { Engine } from '../engine.ts'
import { requestedJoins } from './joins.ts'
import type { ContainerRequest } from './request.ts'
import { storedConfig } from './stored.ts'

/** A namespace that is joined has its own maps, which only a process in it shows. */
const JOINED: IdMapPlan = { maps: { uid: [], gid: [] } }

/** The id maps that a request asks for; empty where it joins a user namespace by name. */
export function planContainerIds(engine: Engine, request: ContainerRequest): IdMapPlan {
  const mode = usernsModeFromFlags(request)
  switch (mode.kind) {
    case 'default':
      return engine.defaultIds()
    case 'container':
    case 'namespace':
      return JOINED
    case 'named':
      return planIdMaps(mode, engine.identity(), {
        subids: readSubordinateIds({
          uid: engine.facts.uid,
          userName: mode.uidName,
          searchPath: engine.facts.env.PATH,
        }),
      })
    case 'auto':
      return planIdMaps(mode, engine.identity(), { subids: engine.subids(), inUse: idsInUse(engine) })
    default:
      return planIdMaps(mode, engine.identity(), { subids: engine.subids() })
  }
}

/** Host ids that the processes of containers with `--userns auto` hold, or of those that have joined one. */
function idsInUse({ store }: Engine): NonNullable<IdResources['inUse']> {
  const maps = readContainers(store).flatMap((record) => {
    const { request } = storedConfig(record)
    // It may have outlived the one whose ids it shares.
    const sharesIds = requestedJoins(request).length > 0
    if (!sharesIds && !request.userns?.startsWith('auto')) return []
    const state = effectiveState(store, record.id)
    return isLive(state) ? [readIdMaps(state.process.pid)] : []
  })
  const ranges = (kind: 'uid' | 'gid') =>
    maps.flatMap((map) => map[kind].map(({ hostId, size }) => ({ start: hostId, count: size })))
  return { uid: ranges('uid'), gid: ranges('gid') }
}
