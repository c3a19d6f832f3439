import { BryoError } from '../../base/errors.ts'
import type { ResourceLimits } from '../../base/resources.ts'
import { applySettings } from '../../cgroup/group.ts'
import { cgroupSettings } from '../../cgroup/settings.ts'
import type { ContainerRecord } from '../../storage/container/record.ts'
import { effectiveState, isLive } from '../../storage/container/state.ts'
import type { Engine } from '../engine.ts'
import type { ContainerRequest } from './request.ts'
import { blockDevice, checkResources } from './resourcesCheck.ts'

/**
 * Holds a container to new limits, at once where it runs.
 * @param request with the limits that it is to have from now on
 * @param limits the same, with those that it is to have no longer as 0
 * @throws BryoError
 */
export function limitRunning(
  engine: Engine,
  record: ContainerRecord,
  request: ContainerRequest,
  limits: ResourceLimits,
): void {
  checkResources(engine, request)
  const state = effectiveState(engine.store, record.id)
  if (!isLive(state)) return
  if (state.cgroup === undefined) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot limit container "${record.name}" while it runs: it has no control group of its own`,
      { hint: 'stop it, update it, and start it again' },
    )
  }
  const { pidsLimit } = request
  applySettings(
    state.cgroup,
    cgroupSettings({ ...limits, ...(pidsLimit !== undefined && { pidsLimit }) }, blockDevice),
  )
}
