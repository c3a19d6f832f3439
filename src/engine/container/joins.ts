import { BryoError } from '../../base/errors.ts'
import type { SpecNamespace } from '../../runtime/spec.ts'
import { requireContainer } from '../../storage/container/find.ts'
import type { Store } from '../../storage/store.ts'
import type { ContainerRequest } from './request.ts'

/** Where a namespace is that is not to be made: of a container, or at a path of this host. */
export type JoinTarget =
  | { readonly kind: 'container'; readonly container: string }
  | { readonly kind: 'path'; readonly path: string }

/** A namespace that a container is to share. */
export interface JoinRequest {
  readonly type: SpecNamespace['type']
  /** As the user would write it: `--pid container:NAME`. */
  readonly option: string
  readonly target: JoinTarget
}

type Options = Pick<ContainerRequest, 'network' | 'userns' | 'pid' | 'ipc' | 'uts' | 'cgroupns'>

/** All that a request wants to join: the user namespace, where it is named, first. */
export function requestedJoins({
  network,
  userns,
  pid,
  ipc,
  uts,
  cgroupns,
}: Options): readonly JoinRequest[] {
  const values: readonly (readonly [type: SpecNamespace['type'], flag: string, text: string | undefined])[] =
    [
      ['user', 'userns', userns],
      ...network.map((text) => ['network', 'network', text] as const),
      ['pid', 'pid', pid],
      ['ipc', 'ipc', ipc],
      ['uts', 'uts', uts],
      ['cgroup', 'cgroupns', cgroupns],
    ]
  return values.flatMap(([type, flag, text = '']) => {
    const target = joinTarget(text)
    return target ? [{ type, option: `--${flag} ${shortened(target)}`, target }] : []
  })
}

/** What `container:NAME` and `ns:PATH` stand for; undefined for other words. */
export function joinTarget(text: string): JoinTarget | undefined {
  const [, kind, rest = ''] = /^(container|ns):(.+)$/s.exec(text) ?? []
  if (kind === undefined) return undefined
  return kind === 'container' ? { kind, container: rest } : { kind: 'path', path: rest }
}

const ID = /^[0-9a-f]{64}$/

function shortened(target: JoinTarget): string {
  if (target.kind === 'path') return `ns:${target.path}`
  const { container } = target
  return `container:${ID.test(container) ? container.slice(0, 12) : container}`
}

/** Names of containers become ids: a name may mean another one by the time of a start. @throws BryoError NOT_FOUND */
export function withJoinedIds(store: Store, request: ContainerRequest): ContainerRequest {
  const { userns, pid } = request
  const byId = <T extends string>(text: T): T | `container:${string}` => {
    const target = joinTarget(text)
    return target?.kind === 'container' ? `container:${requireContainer(store, target.container).id}` : text
  }
  return {
    ...request,
    network: request.network.map(byId),
    ipc: byId(request.ipc),
    uts: byId(request.uts),
    cgroupns: byId(request.cgroupns),
    ...(userns !== undefined && { userns: byId(userns) }),
    ...(pid !== undefined && { pid: byId(pid) }),
  }
}

/** The user namespace of another container owns what is joined, and comes with it. @throws BryoError USAGE */
export function refuseOwnIds(
  { userns = '', uidmap, gidmap, subuidname, subgidname }: ContainerRequest,
  { option }: Pick<JoinRequest, 'option'>,
): void {
  const named = userns !== '' && joinTarget(userns) === undefined
  if (!named && uidmap.length + gidmap.length === 0 && (subuidname ?? subgidname) === undefined) return
  throw new BryoError('USAGE', `conflicting options: user namespace options and ${option}`, {
    hint: 'the user namespace that owns it is shared too: leave out --userns, --uidmap and --gidmap',
  })
}
