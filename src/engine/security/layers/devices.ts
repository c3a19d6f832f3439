import type { ContainerRequest } from '../../container/request.ts'
import type { SecurityFacts } from '../facts.ts'
import { joinOption } from '../joined.ts'
import { judge, type Layer, listed } from '../layer.ts'
import { mountAt, mountsBelow } from '../mountinfo.ts'

const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'console'].map((name) => `/dev/${name}`)
const TREES = ['/dev/pts', '/dev/shm', '/dev/mqueue']

/** A filesystem of its own at /dev, and no node of the host but the harmless ones. */
export function devicesLayer({ mounts }: SecurityFacts, request: ContainerRequest): Layer {
  const dev = mountAt(mounts, '/dev')
  const own = dev?.fstype === 'tmpfs' && dev.options.includes('nosuid')
  const more = mountsBelow(mounts, '/dev')
    .map(({ point }) => point)
    .filter((point) => point !== '/dev' && !DEVICES.includes(point) && !TREES.includes(point))
  const asked = askedBelowDev(request)
  const unasked = more.filter((point) => !asked.has(point))
  const by = [...new Set([...(own ? more : ['/dev', ...more]).flatMap((point) => asked.get(point) ?? [])])]
  const detail = own ? 'a filesystem of its own' : 'not a filesystem of its own'
  return judge('devices', {
    holds: own && more.length === 0,
    detail: more.length === 0 ? detail : `${detail}, with ${listed(more)}`,
    by: unasked.length > 0 ? [] : by,
  })
}

/** The options that put something into /dev, by place. */
function askedBelowDev({ devices, mounts }: ContainerRequest): ReadonlyMap<string, string> {
  return new Map([
    ...devices.map(({ path }) => [path, `--device ${path}`] as const),
    ...mounts.map(({ target, type }) => [target, `--mount type=${type},target=${target}`] as const),
  ])
}

/** The device nodes that everybody can see are no part of it: shared memory and queues count as files. */
export function sharedMemoryLayer(facts: SecurityFacts, request: ContainerRequest): Layer {
  const { mounts, sharedNamespaces } = facts
  const wrong = ['/dev/shm', '/dev/mqueue'].filter((point) => {
    const mount = mountAt(mounts, point)
    return mount !== undefined && !['nosuid', 'nodev', 'noexec'].every((flag) => mount.options.includes(flag))
  })
  const shared = sharedNamespaces.includes('ipc')
  const joined = joinOption(facts, request, 'ipc')
  const by = shared ? (request.ipc === 'host' ? ['--ipc host'] : []) : joined === undefined ? [] : [joined]
  const whose = shared ? "the host's" : joined === undefined ? 'its own' : 'that of others'
  return judge('shared-memory', {
    holds: wrong.length === 0 && !shared && joined === undefined,
    detail:
      wrong.length > 0
        ? `not protected: ${listed(wrong)}`
        : shared
          ? whose
          : `${whose}, nosuid, nodev, noexec`,
    by: wrong.length === 0 ? by : [],
  })
}
