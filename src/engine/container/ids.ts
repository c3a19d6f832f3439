import { openSync } from 'node:fs'
import { BryoError } from '../../base/errors.ts'
import type { IdMaps } from '../../base/idmap.ts'
import { usernsModeFromFlags } from '../../userns/flags.ts'
import { type IdMapPlan, planIdMaps } from '../../userns/plan.ts'
import { readSubordinateIds } from '../../userns/subids.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'

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
    default:
      return planIdMaps(mode, engine.identity(), { subids: engine.subids() })
  }
}

export function sameMaps(a: IdMaps, b: IdMaps): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Fds of a running container's namespaces, for a container that joins them. */
export function openNamespaceFds(pid: number): { readonly userFd: number; readonly networkFd: number } {
  return { userFd: openSync(`/proc/${pid}/ns/user`, 'r'), networkFd: openSync(`/proc/${pid}/ns/net`, 'r') }
}
