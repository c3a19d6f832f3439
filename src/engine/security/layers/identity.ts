import { toHostId } from '../../../base/idmap.ts'
import type { ContainerRequest } from '../../container/request.ts'
import type { NamespaceName, SecurityFacts } from '../facts.ts'
import { joinedNamespaces } from '../joined.ts'
import { judge, type Layer, listed } from '../layer.ts'

/** No id of the container is root of the host. */
export function identityLayer({ maps, sharedNamespaces }: SecurityFacts): Layer {
  const mapsRoot = [...maps.uid, ...maps.gid].some(({ hostId }) => hostId === 0)
  const ids = maps.uid.reduce((sum, { size }) => sum + size, 0)
  const hostRoot = toHostId(maps.uid, 0)
  const root = hostRoot === undefined ? 'no root' : `root is uid ${hostRoot} of the host`
  const holds = !mapsRoot && ids > 0 && !sharedNamespaces.includes('user')
  const detail = mapsRoot ? 'an id is root of the host' : `${root}, ${ids} ${ids === 1 ? 'id' : 'ids'}`
  return judge('identity', { holds, detail })
}

const ALWAYS: readonly NamespaceName[] = ['user', 'mnt', 'pid', 'ipc', 'uts', 'cgroup']

/** Its own namespaces; the network is a layer of its own. */
export function namespacesLayer(facts: SecurityFacts, request: ContainerRequest): Layer {
  const shared = ALWAYS.filter((name) => facts.sharedNamespaces.includes(name))
  const options: Partial<Record<NamespaceName, string>> = {
    ...(request.pid === 'host' && { pid: '--pid host' }),
    ...(request.ipc === 'host' && { ipc: '--ipc host' }),
    ...(request.uts === 'host' && { uts: '--uts host' }),
    ...(request.cgroupns === 'host' && { cgroup: '--cgroupns host' }),
  }
  const asked = shared.every((name) => options[name] !== undefined)
  const joined = joinedNamespaces(facts, request).filter(({ name }) => name !== 'net')
  const found = [
    ...(shared.length > 0 ? [`shared with the host: ${listed(shared)}`] : []),
    ...(joined.length > 0 ? [`shared with others: ${listed(joined.map(({ name }) => name))}`] : []),
  ]
  const by = [...shared.flatMap((name) => options[name] ?? []), ...joined.map(({ option }) => option)]
  return judge('namespaces', {
    holds: found.length === 0,
    detail: found.length === 0 ? 'all of its own' : found.join('; '),
    by: asked ? [...new Set(by)] : [],
  })
}
