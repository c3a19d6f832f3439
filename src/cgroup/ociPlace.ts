import { existsSync } from 'node:fs'
import { BryoError } from '../base/errors.ts'
import { enableControllers, makeGroup } from './group.ts'
import { CGROUP_ROOT, isDelegated, readKeyed } from './hierarchy.ts'
import { type CgroupPlace, delegatedParent, enterPlace, leaveGroup, ownGroup } from './place.ts'
import type { CgroupSetting } from './settings.ts'
import { managerSocket } from './systemd.ts'

/** Where the group of an OCI container is made. */
export type OciPlace =
  | Extract<CgroupPlace, { readonly kind: 'scope' }>
  /** A group below others, which are made with it. */
  | {
      readonly kind: 'nested'
      readonly base: string
      readonly names: readonly string[]
      /** The caller itself is in the base, as the process of a service is. */
      readonly isOwn: boolean
    }

/** Who makes control groups: this program, or the user's systemd. */
export type CgroupManager = 'cgroupfs' | 'systemd'

export interface OciPlaceRequest {
  readonly id: string
  readonly manager: CgroupManager
  /** `linux.cgroupsPath` */
  readonly path: string | undefined
  /** XDG_RUNTIME_DIR, or where it would be. */
  readonly runtimeDirectory: string
}

/**
 * Finds where the group of an OCI container is made.
 * @throws BryoError USAGE for a path that is none, UNSUPPORTED where there is no such place
 */
export function findOciPlace({ id, manager, path, runtimeDirectory }: OciPlaceRequest): OciPlace {
  if (manager === 'cgroupfs') return groupAt(groupNames(path, id), path?.startsWith('/') ?? false)
  const scope = scopeNamed(path, id)
  const socket = managerSocket(runtimeDirectory)
  if (socket !== undefined) return { kind: 'scope', socket, ...scope }
  throw new BryoError(
    'UNSUPPORTED',
    `cannot make a scope for the container: no systemd of yours listens in "${runtimeDirectory}"`,
    {
      hint: 'log in (ssh, machinectl shell) instead of su or sudo; or have one from boot on: loginctl enable-linger',
    },
  )
}

/** `SLICE:PREFIX:NAME` as the unit `PREFIX-NAME.scope`. Pure. @throws BryoError USAGE */
export function scopeNamed(
  path: string | undefined,
  id: string,
): { readonly unit: string; readonly slice: string | undefined } {
  const [slice = '', prefix = '', name = '', ...rest] = path ? path.split(':') : ['', 'bryo-oci', id]
  const isName = name !== '' && !/[/\0]/.test(`${slice}${prefix}${name}`)
  if (!isName || rest.length > 0 || (slice !== '' && !slice.endsWith('.slice'))) {
    throw new BryoError(
      'USAGE',
      `cannot use linux.cgroupsPath "${path}": expected SLICE:PREFIX:NAME, as control groups of systemd are named`,
    )
  }
  const unit = prefix === '' ? name : `${prefix}-${name}`
  return { unit: `${escapeUnit(unit)}.scope`, slice: slice === '' ? undefined : slice }
}

/** @see systemd-escape(1) */
function escapeUnit(name: string): string {
  return name.replace(/[^A-Za-z0-9:_.-]/g, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}

/** The names of a group below another. Pure. @throws BryoError USAGE */
export function groupNames(path: string | undefined, id: string): readonly string[] {
  const names = (path || `bryo-oci-${id}`).split('/').filter((name) => name !== '' && name !== '.')
  if (names.length > 0 && !names.includes('..')) return names
  throw new BryoError('USAGE', `cannot use linux.cgroupsPath "${path}": expected a path without ..`)
}

/**
 * An absolute path is one from the root where the caller may make groups there; else, as a relative one, it is below what is the caller's.
 * @throws BryoError UNSUPPORTED; INVALID_STATE where others are in the group, whose end would come with the container's
 */
function groupAt(names: readonly string[], absolute: boolean): OciPlace {
  const paths = names.map((_, index) => groupPath(CGROUP_ROOT, names.slice(0, index + 1)))
  const existing = paths.findLast((path) => existsSync(path))
  const isFromRoot = absolute && existing !== undefined && isDelegated(existing)
  const base = isFromRoot ? CGROUP_ROOT : delegatedParent()
  if (base === undefined) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot make the control group "${names.join('/')}" for the container: your own control group is not delegated to you`,
      { hint: 'have systemd make it (--systemd-cgroup), or call this from a service with Delegate=yes' },
    )
  }
  const path = groupPath(base, names)
  if (readKeyed(`${path}/cgroup.events`).get('populated') !== 1)
    return { kind: 'nested', base, names, isOwn: base === ownGroup() }
  throw new BryoError(
    'INVALID_STATE',
    `cannot use the control group "${path}": it has processes, expected none`,
  )
}

function groupPath(base: string, names: readonly string[]): string {
  return [base, ...names].join('/')
}

/** What a killed creation may leave; undefined for a scope, which systemd removes. */
export function ociPlaceDirectory(place: OciPlace): string | undefined {
  return place.kind === 'scope' ? undefined : groupPath(place.base, place.names)
}

/**
 * Makes the group, sets what it is held to, and moves a container's first process in.
 * @returns its directory
 * @throws BryoError as enterPlace()
 */
export function enterOciPlace(place: OciPlace, pid: number, settings: readonly CgroupSetting[]): string {
  const entrants = { init: pid, monitor: undefined, stop: undefined }
  if (place.kind === 'scope') return enterPlace(place, entrants, settings)
  // A group that hands controllers down has no processes itself.
  if (place.isOwn && settings.some(({ option }) => option !== undefined)) leaveGroup(place.base)
  let parent = place.base
  for (const name of place.names.slice(0, -1)) {
    const directory = makeGroup(parent, name)
    // A group hands controllers down one by one.
    enableControllers(parent, settings)
    parent = directory
  }
  return enterPlace(
    { kind: 'group', parent, name: place.names.at(-1) ?? '', isOwn: false },
    entrants,
    settings,
  )
}
