import { isUnified } from '../../cgroup/hierarchy.ts'
import type { ContainerRequest } from './request.ts'

/** Whether a container must have a control group of its own: else what was asked for would not hold. */
export function asksForGroup({ limits, cgroupParent, cgroups }: ContainerRequest): boolean {
  return cgroups !== 'disabled' && (limits !== undefined || cgroupParent !== undefined || cgroups === 'split')
}

/** Whether one is made for it, if possible. @param grouped it would have one without being asked */
export function wantsGroup(request: ContainerRequest, grouped: boolean): boolean {
  if (request.cgroups === 'disabled') return false
  return asksForGroup(request) || ((grouped || request.systemd === 'always') && isUnified())
}
