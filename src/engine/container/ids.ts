import { openSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import { readContainers } from '../../storage/container/find.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import { usernsModeFromFlags } from '../../userns/flags.ts'
import { readIdMaps } from '../../userns/nested.ts'
import { type IdMapPlan, type IdResources, planIdMaps } from '../../userns/plan.ts'
import { readSubordinateIds } from '../../userns/subids.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'
import { storedConfig } from './stored.ts'

/** The id maps that a request asks for. */
export function planContainerIds(engine: Engine, request: ContainerRequest): IdMapPlan {
  const mode = usernsModeFromFlags(request)
  switch (mode.kind) {
    case 'default':
      return engine.defaultIds()
    case 'container':
    case 'namespace':
      throw new BryoError(
        'UNSUPPORTED',
        `cannot join the user namespace "${request.userns}": not supported yet`,
        {
          hint: 'a container with --network container:NAME shares the user namespace of that container',
        },
      )
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

/** Host ids that the processes of containers with `--userns auto` hold. */
function idsInUse({ store }: Engine): NonNullable<IdResources['inUse']> {
  const maps = readContainers(store).flatMap((record) => {
    if (!storedConfig(record).request.userns?.startsWith('auto')) return []
    const state = effectiveState(store, record.id)
    return isLive(state) ? [readIdMaps(state.process.pid)] : []
  })
  const ranges = (kind: 'uid' | 'gid') =>
    maps.flatMap((map) => map[kind].map(({ hostId, size }) => ({ start: hostId, count: size })))
  return { uid: ranges('uid'), gid: ranges('gid') }
}

/** Fds of a running container's namespaces, for a container that joins them. */
export function openNamespaceFds(pid: number): { readonly userFd: number; readonly networkFd: number } {
  return { userFd: openSync(`/proc/${pid}/ns/user`, 'r'), networkFd: openSync(`/proc/${pid}/ns/net`, 'r') }
}
