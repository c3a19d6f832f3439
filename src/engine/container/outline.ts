import { BryoError } from '../../base/errors.ts'
import type { IdMaps } from '../../base/idmap.ts'
import type { ImageConfig } from '../../base/image.ts'
import type { NetworkPlan } from '../../netns/plan.ts'
import { type ForkedContainer, forkContainer } from '../../runtime/launch.ts'
import { resolveSecurity, type SecuritySettings } from '../../runtime/security.ts'
import { NamespaceFailure } from '../../runtime/stages.ts'
import type { NamespaceType } from '../../syscall/namespace.ts'
import { readIdMaps } from '../../userns/nested.ts'
import type { IdMapPlan } from '../../userns/plan.ts'
import { diagnoseUnshareFailure } from '../../userns/unshare-failure.ts'
import { beginIdMaps } from '../../userns/write.ts'
import type { Engine } from '../engine.ts'
import { checkOptions } from './checkOptions.ts'
import { planContainerIds } from './ids.ts'
import { type JoinedNamespaces, openJoins } from './joinedNamespaces.ts'
import { type JoinRequest, refuseOwnIds, requestedJoins } from './joins.ts'
import { planContainerNetwork } from './network.ts'
import type { ContainerRequest } from './request.ts'
import { wantsGroup } from './resources.ts'
import { type ContainerStdio, openContainerStdio, type StdioChoice } from './stdio.ts'
import { timezoneFile } from './timezone.ts'

/** What a request and its image say before anything is made: all that can be wrong with the options is found here. */
export interface ContainerOutline {
  readonly request: ContainerRequest
  readonly image: ImageConfig | undefined
  readonly ids: IdMapPlan
  readonly network: NetworkPlan
  readonly joins: readonly JoinRequest[]
  readonly security: SecuritySettings
}

/** @throws BryoError USAGE, NOT_FOUND, UNSUPPORTED, SUBIDS_MISSING */
export function outlineContainer(
  engine: Engine,
  request: ContainerRequest,
  image: ImageConfig | undefined,
): ContainerOutline {
  timezoneFile(request.timezone)
  const security = resolveSecurity({ options: request.securityOpt, privileged: request.privileged })
  checkOptions(engine, request, image, security)
  const network = planContainerNetwork(engine, request, image)
  const joins = requestedJoins(request)
  if (request.pid === 'host') refuseHelpers(network, joins)
  for (const join of joins) if (join.target.kind === 'container') refuseOwnIds(request, join)
  return { request, image, ids: planContainerIds(engine, request), network, joins, security }
}

/** What serves a network could be traced by others that have its ids and see the host's processes. @throws BryoError UNSUPPORTED */
function refuseHelpers({ helper }: NetworkPlan, [joined]: readonly JoinRequest[]): void {
  if (!joined || helper.kind === 'none') return
  throw new BryoError(
    'UNSUPPORTED',
    `cannot use ${joined.option} with a network of the container's own: a container with these ids sees the host's processes`,
    { hint: 'use --network none or host, or the network of that container' },
  )
}

/** A container's processes, forked ahead, with the user namespace that they make or join. */
export interface OutlinedFork extends Disposable {
  readonly outline: ContainerOutline
  readonly stdio: ContainerStdio
  readonly container: ForkedContainer
  readonly joined: JoinedNamespaces
  /** Of its user namespace; blocks until a joined one has been entered. */
  readonly maps: IdMaps
  /** It is to get a control group of its own. */
  readonly grouped: boolean
  /** Starts to write the id maps of the new user namespace, once; nothing where one is joined. */
  beginMaps(): void
  /** Blocks until they are written. @throws BryoError IDMAP_FAILED, TOOL_MISSING */
  finishMaps(): void
}

/** How a container's processes hang together with this one. */
export interface ForkChoice {
  /** Their parent is a keeper that becomes the monitor, not this process. */
  readonly monitored: boolean
  /** It gets a control group of its own where that is possible, even without limits. */
  readonly grouped?: boolean
  readonly stdio: StdioChoice['kind']
  readonly interactive: boolean
}

export const DEFAULT_PROCESS_LIMIT = 2048

/** How many processes a container may have; undefined for no limit of ours. */
export function processLimitOf({ pidsLimit = DEFAULT_PROCESS_LIMIT }: ContainerRequest): number | undefined {
  return pidsLimit > 0 ? pidsLimit : undefined
}

/**
 * Forks before the rest is planned, so that the kernel makes the namespaces meanwhile. Without a launch the processes end with the scope.
 * @throws BryoError INVALID_STATE for a container to join that does not run
 */
export function forkOutlined(engine: Engine, outline: ContainerOutline, choice: ForkChoice): OutlinedFork {
  const stack = new DisposableStack()
  const { tty } = outline.request
  const stdio = stack.use(openContainerStdio({ tty, interactive: choice.interactive, kind: choice.stdio }))
  const joined = stack.use(openJoins(engine, outline.request, outline.joins))
  if (joined.othersSeeHost) refuseHelpers(outline.network, outline.joins)
  const grouped = wantsGroup(outline.request, choice.grouped ?? false)
  const plan = {
    namespaces: newNamespaces(outline, grouped),
    joins: joined.joins,
    hostPids: outline.request.pid === 'host',
    othersSeeHost: joined.othersSeeHost,
    processLimit: processLimitOf(outline.request),
    monitored: choice.monitored,
    stdio: stdio.theirs,
    debug: engine.facts.debug,
  }
  const container = stack.use(explainNamespaces(() => forkContainer(plan)))
  const initPid = () => explainNamespaces(container.initPid)
  let maps = joined.sharesIds ? undefined : outline.ids.maps
  const mapping: { current: ReturnType<typeof beginIdMaps> | undefined } = { current: undefined }
  stack.defer(() => mapping.current?.[Symbol.dispose]())
  return {
    outline,
    stdio,
    container,
    joined,
    get maps() {
      maps ??= readIdMaps(initPid())
      return maps
    },
    grouped,
    beginMaps: () => {
      if (joined.sharesIds || mapping.current) return
      mapping.current = beginIdMaps(initPid(), outline.ids.maps, {
        identity: engine.identity(),
        searchPath: engine.facts.env.PATH,
      })
    },
    finishMaps: () => mapping.current?.finish(),
    [Symbol.dispose]: () => stack.dispose(),
  }
}

/** Says what on this host keeps the namespaces from being made, where that failed. */
function explainNamespaces<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof NamespaceFailure ? diagnoseUnshareFailure(error.errno) : error
  }
}

/** A container with a control group of its own makes the namespace in that, later. */
function newNamespaces({ request, network }: ContainerOutline, grouped: boolean): readonly NamespaceType[] {
  return [
    'mount',
    ...(request.pid === undefined ? (['pid'] as const) : []),
    ...(network.namespace.kind === 'new' ? (['network'] as const) : []),
    ...(request.ipc === 'private' ? (['ipc'] as const) : []),
    ...(request.uts === 'private' ? (['uts'] as const) : []),
    ...(request.cgroupns === 'private' && !grouped ? (['cgroup'] as const) : []),
  ]
}
