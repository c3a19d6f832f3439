import type { CapabilityPlan } from '../../runtime/capabilities.ts'
import type { LaunchPlan } from '../../runtime/plan.ts'
import { processLimitOf } from '../container/outline.ts'
import type { ContainerRequest } from '../container/request.ts'
import type { MountEntry, SecurityFacts } from './facts.ts'
import { NAMESPACES, readKernelFacts } from './kernelFacts.ts'

/**
 * What will protect a container whose first process is just being set up: namespaces and id maps as the kernel has them, everything
 * else as that process has been told to do before it executes the workload.
 */
export function plannedFacts(pid: number, plan: LaunchPlan, request: ContainerRequest): SecurityFacts {
  const { spec } = plan
  const kernel = readKernelFacts(pid, 0, {})
  const isRoot = /^(?:0|root|)(?::|$)/.test(plan.user.text)
  return {
    ...kernel,
    maps: plan.maps,
    // Those of a user namespace that is joined are joined too, or made in it.
    ownedNamespaces: NAMESPACES.filter((name) => name !== 'user'),
    uid: isRoot ? 0 : undefined,
    noNewPrivileges: spec.process.noNewPrivileges,
    capabilities: setsOf(isRoot ? plan.capabilities.root : plan.capabilities.other),
    seccompFilters: plan.seccomp ? 1 : 0,
    maxUserNamespaces: plan.nestedUserNamespaces ? Number.POSITIVE_INFINITY : 0,
    mounts: plannedMounts(plan),
    processLimit: processLimitOf(request) ?? Number.POSITIVE_INFINITY,
    foreignFiles: plan.preservedFds.map(String),
    hostVariables: [],
    leadsSession: true,
    sharesTerminal: false,
  }
}

function setsOf({ inheritable, effective, bounding, ambient }: CapabilityPlan) {
  return { inheritable, effective, bounding, ambient }
}

function plannedMounts({ spec }: LaunchPlan): readonly MountEntry[] {
  const { maskedPaths, readonlyPaths, devices } = spec.linux
  const mounts = [
    ...spec.mounts.map(({ destination, type, options }) => ({
      root: '/',
      point: destination,
      fstype: type,
      options,
    })),
    ...devices.map(({ path }) => ({ root: path, point: path, fstype: 'devtmpfs', options: ['rw'] })),
    ...readonlyPaths.map((point) => ({ root: '/', point, fstype: 'proc', options: ['ro'] })),
    ...maskedPaths.map((point) => ({ root: '/', point, fstype: 'tmpfs', options: ['ro'] })),
  ]
  return mounts.map((mount, id) => ({ id, ...mount }))
}
