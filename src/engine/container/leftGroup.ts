import type { ContainerId } from '../../base/brand.ts'
import { endGroup } from '../../cgroup/group.ts'
import { readStateAfterCrash } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'

/** Of a container that does not run: where its monitor was killed, nobody has ended what is in its control group, and removed that. */
export function endLeftGroup({ store }: Engine, id: ContainerId): void {
  const state = readStateAfterCrash(store, id)
  if ('cgroup' in state && state.cgroup !== undefined) endGroup(state.cgroup)
}
