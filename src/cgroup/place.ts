import { BryoError, isErrno } from '../base/errors.ts'
import { STOP_NOTICE, type StopNumbers } from '../base/monitorConfig.ts'
import type { CgroupMode } from '../base/resources.ts'
import { applySettings, enableControllers, enterGroup, makeGroup } from './group.ts'
import { CGROUP_ROOT, cgroupPathOf, isDelegated, isUnified, readNames } from './hierarchy.ts'
import type { CgroupSetting } from './settings.ts'
import { callManager, ManagerFailure, managerSocket } from './systemd.ts'

/** Where a container's group is made. */
export type CgroupPlace =
  /** A scope of the user's systemd. */
  | {
      readonly kind: 'scope'
      readonly socket: string
      readonly unit: string
      readonly slice: string | undefined
    }
  /** A group in one that is delegated to the caller. */
  | {
      readonly kind: 'group'
      readonly parent: string
      readonly name: string
      /** The caller itself is in the parent, as the process of a service is. */
      readonly isOwn: boolean
    }
  /** The scope that this process, a monitor, is in already: its container starts anew. */
  | { readonly kind: 'former'; readonly scope: string }
  /** `split`: the caller's own group is divided. */
  | { readonly kind: 'split'; readonly own: string; readonly name: string }

export interface PlaceRequest {
  readonly id: string
  readonly mode: CgroupMode
  /** `--cgroup-parent` */
  readonly parent: string | undefined
  /** XDG_RUNTIME_DIR, or where it would be. */
  readonly runtimeDirectory: string
}

const HYBRID_HINT =
  'boot with the kernel parameter systemd.unified_cgroup_hierarchy=1; without limits containers run here as well'

/**
 * Finds where a container's group can be made.
 * @throws BryoError UNSUPPORTED that says why there is no such place
 */
export function findPlace(request: PlaceRequest): CgroupPlace {
  if (!isUnified()) {
    throw new BryoError(
      'UNSUPPORTED',
      'cannot limit a container: this host has control groups of version 1 or both, expected cgroup v2 alone',
      { hint: HYBRID_HINT },
    )
  }
  const own = ownGroup()
  const name = `bryo-${request.id}`
  if (request.mode === 'split') {
    if (isDelegated(own)) return { kind: 'split', own, name }
    throw new BryoError(
      'UNSUPPORTED',
      `cannot split the control group "${own}": it is not delegated to you`,
      {
        hint: 'start bryo as a service with Delegate=yes, or leave out --cgroups split',
      },
    )
  }
  const { parent } = request
  if (own.endsWith(`/${name}.scope`)) return { kind: 'former', scope: own }
  if (parent !== undefined && !parent.endsWith('.slice'))
    return { kind: 'group', parent: namedParent(parent), name, isOwn: false }
  const socket = managerSocket(request.runtimeDirectory)
  if (socket !== undefined) return { kind: 'scope', socket, unit: `${name}.scope`, slice: parent }
  if (parent !== undefined) throw noManager(request, 'a slice')
  const place = delegatedParent()
  if (place !== undefined) return { kind: 'group', parent: place, name, isOwn: place === own }
  throw noManager(request, 'a control group')
}

/** A monitor's is beside its container's. */
export function ownGroup(): string {
  return groupOfPath(cgroupPathOf('self') ?? '')
}

/** The directory of the group that /proc names so, or of the one that it is the supervisor of. Pure. */
export function groupOfPath(path: string): string {
  // In the root of a cgroup namespace, as in a container, the path is a slash.
  return `${CGROUP_ROOT}${path}`.replace(/\/$/, '').replace(/\/supervisor$/, '')
}

/** The group in which the caller may make others; undefined where there is none. */
export function delegatedParent(): string | undefined {
  const own = ownGroup()
  return [own.replace(/\/[^/]*$/, ''), own].find(
    (directory) => directory.startsWith(CGROUP_ROOT) && isDelegated(directory),
  )
}

function namedParent(parent: string): string {
  const path = `${CGROUP_ROOT}/${parent.replace(/^\/+/, '')}`
  if (!parent.split('/').includes('..') && isDelegated(path)) return path
  throw new BryoError(
    'UNSUPPORTED',
    `cannot use the cgroup parent "${parent}": it is not a control group of yours`,
    {
      hint: 'name a slice of your systemd, such as limits.slice, or a path below /sys/fs/cgroup that is delegated to you',
    },
  )
}

function noManager({ runtimeDirectory }: PlaceRequest, wanted: string): BryoError {
  return new BryoError(
    'UNSUPPORTED',
    `cannot make ${wanted} for the container: no systemd of yours listens in "${runtimeDirectory}", and your own control group is not delegated to you`,
    {
      hint: 'log in (ssh, machinectl shell) instead of su or sudo; or have one from boot on: loginctl enable-linger',
    },
  )
}

/** Who goes into the group. */
export interface Entrants {
  readonly init: number
  /** The parent of init, which sees its end: beside the container's group where that is a scope; undefined to stay where it is. */
  readonly monitor: number | undefined
  /** How a scope is stopped; undefined for systemd's way. */
  readonly stop: StopNumbers | undefined
}

/**
 * Makes the group, sets what it is held to, and moves a container's first process in.
 * @returns its directory
 * @throws BryoError UNSUPPORTED for a setting that was asked for and cannot be made, RUNTIME
 */
export function enterPlace(
  place: CgroupPlace,
  entrants: Entrants,
  settings: readonly CgroupSetting[],
): string {
  const { parent, name } = preparePlace(place, entrants, settings)
  const directory = makeGroup(parent, name)
  moveInto(directory, entrants.init)
  // Before, processes were in the parent itself.
  enableControllers(parent, settings)
  applySettings(directory, settings)
  return directory
}

/** What a failed {@link enterPlace} may have left; undefined for a scope, which systemd removes. */
export function placeDirectory(place: CgroupPlace): string | undefined {
  if (place.kind === 'group') return `${place.parent}/${place.name}`
  return place.kind === 'split' ? `${place.own}/${place.name}` : undefined
}

function moveInto(directory: string, pid: number): void {
  try {
    enterGroup(directory, pid)
  } catch (error) {
    throw new BryoError('RUNTIME', `cannot move the container into its control group "${directory}"`, {
      cause: error,
    })
  }
}

/** Of scopes: the leaf that the container's processes are in, and the one beside it. */
const LEAF = 'container'
const SUPERVISOR = 'supervisor'

function preparePlace(
  place: CgroupPlace,
  entrants: Entrants,
  settings: readonly CgroupSetting[],
): { readonly parent: string; readonly name: string } {
  if (place.kind === 'group') {
    if (place.isOwn && settings.some(({ option }) => option !== undefined)) leaveGroup(place.parent)
    return place
  }
  if (place.kind === 'split') {
    leaveGroup(place.own)
    return { parent: place.own, name: place.name }
  }
  if (place.kind === 'former') return { parent: place.scope, name: LEAF }
  const scope = makeScope(place, entrants)
  if (entrants.monitor !== undefined) moveInto(makeGroup(scope, SUPERVISOR), entrants.monitor)
  return { parent: scope, name: LEAF }
}

const LEAVING_ROUNDS = 10

/** A group with processes has no groups with controllers below it: its own go into one of their own. */
export function leaveGroup(own: string): void {
  const supervisor = makeGroup(own, SUPERVISOR)
  // Those that are moved may have made others before.
  for (let round = 0; round < LEAVING_ROUNDS; round++) {
    const pids = readNames(`${own}/cgroup.procs`)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        enterGroup(supervisor, Number(pid))
      } catch (error) {
        if (!isErrno(error, 'ESRCH')) throw error
      }
    }
  }
}

const SCOPE_MS = 10_000
const STEP_MS = 1

/** A scope with the processes in it. @returns its directory */
function makeScope(
  place: Extract<CgroupPlace, { readonly kind: 'scope' }>,
  { init, monitor, stop }: Entrants,
): string {
  const { socket, unit, slice } = place
  const pids = monitor === undefined ? [init] : [init, monitor]
  startScope(socket, unit, [
    ['Description', { type: 's', value: `Container ${unit}` }],
    ['PIDs', { type: 'au', value: pids }],
    ['Delegate', { type: 'b', value: true }],
    ['CollectMode', { type: 's', value: 'inactive-or-failed' }],
    ...(slice === undefined ? [] : [['Slice', { type: 's', value: slice }] as const]),
    ...(stop === undefined ? [] : stopProperties(stop, monitor !== undefined)),
  ])
  // The answer comes before the work is done.
  const deadline = Date.now() + SCOPE_MS
  for (;;) {
    const paths = pids.map(cgroupPathOf)
    const [path] = paths
    if (path !== undefined && paths.every((each) => each?.endsWith(`/${unit}`)))
      return `${CGROUP_ROOT}${path}`
    if (paths.includes(undefined) || Date.now() > deadline) {
      throw new BryoError(
        'RUNTIME',
        `cannot move the container into its scope "${unit}": your systemd did not do it`,
        {
          hint: `journalctl --user -u ${unit} may tell why`,
        },
      )
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS)
  }
}

/** The monitor needs some more to write the end down. */
const MARGIN_MS = 15_000
const FOREVER = 0xffff_ffff_ffff_ffffn

/** Where the monitor is in the scope it does the work, and what serves the container goes on meanwhile. */
function stopProperties({ signal, timeoutMs }: StopNumbers, isMonitored: boolean): Properties {
  const time = timeoutMs === undefined ? FOREVER : BigInt(Math.round(timeoutMs) + MARGIN_MS) * 1000n
  return [
    ['KillSignal', { type: 'i', value: isMonitored ? STOP_NOTICE : signal }],
    ['TimeoutStopUSec', { type: 't', value: time }],
  ]
}

type Properties = Extract<Parameters<typeof callManager>[2][number], { readonly type: 'properties' }>['value']

function startScope(socket: string, unit: string, properties: Properties): void {
  const start = () =>
    callManager(socket, 'StartTransientUnit', [
      { type: 's', value: unit },
      { type: 's', value: 'fail' },
      { type: 'properties', value: properties },
      { type: 'no-units' },
    ])
  const deadline = Date.now() + SCOPE_MS
  for (;;) {
    try {
      start()
      return
    } catch (error) {
      // Its former one, whose end systemd is about to notice.
      const exists = error instanceof ManagerFailure && error.errorName.endsWith('.UnitExists')
      if (!exists || Date.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS * 20)
    }
  }
}

/** Moves a further process into a container's group. @param runtimeDirectory for the help of systemd where the caller may not itself */
export function joinGroup(directory: string, pid: number, runtimeDirectory: string): void {
  try {
    enterGroup(directory, pid)
  } catch (error) {
    const socket = managerSocket(runtimeDirectory)
    const [, unit, below = '/'] = /\/([^/]+\.scope)(\/.*)?$/.exec(directory) ?? []
    if (!isErrno(error, 'EACCES') || socket === undefined || unit === undefined) {
      throw new BryoError('RUNTIME', `cannot join the container's control group "${directory}"`, {
        cause: error,
        ...(isErrno(error, 'EACCES') && {
          hint: 'call this from the service or the session that has started it',
        }),
      })
    }
    callManager(socket, 'AttachProcessesToUnit', [
      { type: 's', value: unit },
      { type: 's', value: below },
      { type: 'au', value: [pid] },
    ])
  }
}

/**
 * Moves a further process to a container's first one, which may have divided the group: systemd does, and then nobody may be in it itself.
 * @see cgroup-v2.rst, no internal process constraint
 */
export function joinFirstProcess(
  directory: string,
  pid: number,
  { init, runtimeDirectory }: { readonly init: number; readonly runtimeDirectory: string },
): void {
  const own = `${CGROUP_ROOT}${cgroupPathOf(init) ?? ''}`
  joinGroup(own.startsWith(`${directory}/`) ? own : directory, pid, runtimeDirectory)
}

/** Moves those who serve a container to its monitor, beside the container's group: they are needed as long as it is, whatever becomes of their caller. */
export function joinSupervisor(directory: string, pids: readonly number[], runtimeDirectory: string): void {
  const supervisor = directory.replace(/[^/]+$/, SUPERVISOR)
  for (const pid of pids.flatMap((each) => [each, ...childrenOf(each)]))
    joinGroup(supervisor, pid, runtimeDirectory)
}

function childrenOf(pid: number): readonly number[] {
  return readNames(`/proc/${pid}/task/${pid}/children`).map(Number)
}
