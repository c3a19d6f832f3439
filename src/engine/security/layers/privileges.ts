import {
  type CapabilityMask,
  capabilityNames,
  DEFAULT_CAPABILITIES,
  planCapabilities,
} from '../../../runtime/capabilities.ts'
import type { SecurityLayer, SecuritySettings } from '../../../runtime/security.ts'
import type { ContainerRequest } from '../../container/request.ts'
import type { SecurityFacts } from '../facts.ts'
import { joinOption } from '../joined.ts'
import { judge, type Layer, listed } from '../layer.ts'

export function noNewPrivilegesLayer(facts: SecurityFacts, settings: SecuritySettings): Layer {
  return judge('no-new-privileges', {
    holds: facts.noNewPrivileges,
    detail: facts.noNewPrivileges ? 'set' : 'not set: set-user-ID programs work',
    by: loosenedBy(settings, 'no-new-privileges'),
  })
}

/** Nothing beyond the default set, which a process may have made smaller since. */
export function capabilitiesLayer({ capabilities, uid }: SecurityFacts, request: ContainerRequest): Layer {
  const { bounding, effective, inheritable, ambient } = capabilities
  const reachable = bounding | effective | inheritable | ambient
  // Another user than root has none by default: what it holds comes from an option.
  const held = uid === 0 || uid === undefined ? reachable : reachable | effective
  const beyond = held & ~DEFAULT_CAPABILITIES
  const heldByUser = uid === 0 || uid === undefined ? 0n : effective | ambient
  return judge('capabilities', {
    holds: beyond === 0n && heldByUser === 0n,
    detail: describe(bounding, beyond | heldByUser),
    by: capabilityOptions(request, beyond | heldByUser),
  })
}

function describe(bounding: CapabilityMask, more: CapabilityMask): string {
  const count = capabilityNames(bounding).length
  const most = `${count === 0 ? 'none' : `at most ${count}`}`
  if (more === 0n) return most
  const names = capabilityNames(more).map((name) => name.slice('CAP_'.length))
  return `${most}, with ${listed(names)}`
}

/** The options that ask for capabilities; none where they do not ask for all of these. */
function capabilityOptions(request: ContainerRequest, mask: CapabilityMask): readonly string[] {
  const { capAdd: add, capDrop: drop, privileged } = request
  const planned = planCapabilities({ add, drop, privileged, isRoot: true }).bounding
  if ((mask & ~planned) !== 0n) return []
  return [...(privileged ? ['--privileged'] : []), ...(add.length > 0 ? [`--cap-add ${add.join(',')}`] : [])]
}

/** A filter of the user's own may be stricter or weaker: the kernel does not say. */
export function seccompLayer({ seccompFilters }: SecurityFacts, settings: SecuritySettings): Layer {
  const count = `${seccompFilters} ${seccompFilters === 1 ? 'filter' : 'filters'}`
  const own = settings.seccomp.kind === 'file'
  return judge('seccomp', {
    holds: seccompFilters > 0 && !own,
    detail: own && seccompFilters > 0 ? `${count} of a profile of the user's` : count,
    by: loosenedBy(settings, 'seccomp'),
  })
}

/** The limit of a user namespace that is shared is left as it is. */
export function nestedUsernsLayer(
  facts: SecurityFacts,
  settings: SecuritySettings,
  request: ContainerRequest,
): Layer {
  const { maxUserNamespaces } = facts
  const joined = joinOption(facts, request, 'user')
  return judge('nested-userns', {
    holds: maxUserNamespaces === 0,
    detail: Number.isFinite(maxUserNamespaces)
      ? `user.max_user_namespaces is ${maxUserNamespaces}`
      : "user.max_user_namespaces is the kernel's",
    by: [...loosenedBy(settings, 'nested-userns'), ...(joined === undefined ? [] : [joined])],
  })
}

export function loosenedBy({ loosened }: SecuritySettings, layer: SecurityLayer): readonly string[] {
  return loosened.filter((one) => one.layer === layer).map(({ by }) => by)
}
