import type { UserRequest } from '../../../runtime/plan.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { startForkTask } from '../../../userns/fork-task.ts'
import type { Engine } from '../../engine.ts'
import { planContainerIds } from '../ids.ts'
import { startInContainerRoot } from '../rootAccess/containerRoot.ts'
import { type StartedTask, startTask } from '../rootAccess/task.ts'
import { containerSettings } from '../settings.ts'
import { planUser } from '../user.ts'
import { containerPaths, hostPaths, type PathRoot } from './stage/resolve.ts'

/** Where a side of a copy has its files. */
export type SidePlace =
  | { readonly kind: 'host' }
  | { readonly kind: 'container'; readonly record: ContainerRecord }

/** What work on one side gets. */
export interface SideRoot {
  readonly paths: PathRoot
  /** Of the container only. */
  readonly rootFd: number | undefined
}

export interface SideTask<T> {
  readonly keepFds: readonly number[]
  readonly work: (root: SideRoot) => T
}

const WHAT = 'copy files'

/** Has a child do the work where the files are: as the caller, or as root of the container. */
export function startSide<T>(
  engine: Engine,
  place: SidePlace,
  { keepFds, work }: SideTask<T>,
): StartedTask<T> {
  if (place.kind === 'host') {
    return startTask(
      { what: WHAT, keepFds, work: () => work({ paths: hostPaths(), rootFd: undefined }) },
      startForkTask,
    )
  }
  return startInContainerRoot(engine, place.record, {
    what: WHAT,
    keepFds,
    work: (rootFd) => work({ paths: containerPaths(rootFd), rootFd }),
  })
}

/** Who a container runs as, to be looked up in its own files. */
export function containerUser(engine: Engine, record: ContainerRecord): UserRequest {
  const { config, image } = containerSettings(engine, record)
  return planUser(engine, config.request, image, planContainerIds(engine, config.request))
}
