import { planCapabilities } from '../../runtime/capabilities.ts'
import type { LaunchPlan } from '../../runtime/plan.ts'
import type { ContainerRequest } from './request.ts'

/** The capabilities of a container's processes: of its root, and of any other user. @throws BryoError USAGE */
export function containerCapabilities(
  request: Pick<ContainerRequest, 'capAdd' | 'capDrop' | 'privileged'>,
): LaunchPlan['capabilities'] {
  const common = { add: request.capAdd, drop: request.capDrop, privileged: request.privileged }
  return {
    root: planCapabilities({ ...common, isRoot: true }),
    other: planCapabilities({ ...common, isRoot: false }),
  }
}
