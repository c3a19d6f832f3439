import { assertNever } from '../base/assert.ts'
import { BryoError } from '../base/errors.ts'
import { type IdMapping, type IdMaps, toContainerId } from '../base/idmap.ts'
import { checkIdMaps, mapRanges } from './extents.ts'
import type { Identity } from './identity.ts'
import { describeMissingSubids, type MissingSubids } from './missing.ts'
import type { UsernsMode } from './mode.ts'
import { planAuto } from './plan-auto.ts'
import { planExplicit } from './plan-explicit.ts'
import { planKeepId } from './plan-keep-id.ts'
import type { IdRange } from './ranges.ts'
import type { SubordinateIds } from './subids.ts'

/** The modes that get a map of their own; the others join a namespace that has one. */
export type MappedMode = Exclude<UsernsMode, { readonly kind: 'container' | 'namespace' }>

export interface IdMapPlan {
  readonly maps: IdMaps
  /** Who the container's process is where neither image nor options say so: with keep-id and host, the caller. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Set where the user has no subordinate ids and the plan maps the caller only. */
  readonly warning?: { readonly message: string; readonly hint: string }
}

export interface IdResources {
  /** The caller's; for `named`, those of the names. */
  readonly subids: SubordinateIds
  /** Host ids that other containers with `auto` hold. */
  readonly inUse?: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] }
}

/**
 * The maps of a new user namespace. Never maps the host's root: started as root, the container's ids are root's
 * subordinate ids.
 * @throws BryoError SUBIDS_MISSING, USAGE, IDMAP_FAILED
 */
export function planIdMaps(mode: MappedMode, identity: Identity, resources: IdResources): IdMapPlan {
  const plan = planUnchecked(mode, identity, resources)
  const maps = checkIdMaps(plan.maps)
  for (const kind of ['uid', 'gid'] as const) {
    if (toContainerId(maps[kind], 0) === undefined) continue
    throw new BryoError(
      'IDMAP_FAILED',
      `cannot use ${kind} map: it has the root of this host, expected none`,
      {
        hint: `take id 0 out of the range in /etc/sub${kind}`,
      },
    )
  }
  return { ...plan, maps }
}

function planUnchecked(mode: MappedMode, identity: Identity, resources: IdResources): IdMapPlan {
  const { subids } = resources
  const userName = mode.kind === 'named' ? mode.uidName : identity.userName
  const missing = describeMissingSubids({ userName }, subids)
  if (identity.uid === 0) refuseAsRoot(mode, missing)
  switch (mode.kind) {
    case 'default':
      return missing ? singleId(identity, 0, 0, missing) : { maps: intermediateIds(identity, subids) }
    case 'host':
      return {
        maps: callerAs(identity, identity.uid, identity.gid),
        user: { uid: identity.uid, gid: identity.gid },
      }
    case 'keep-id': {
      const user = { uid: mode.uid ?? identity.uid, gid: mode.gid ?? identity.gid }
      if (missing) return { ...singleId(identity, user.uid, user.gid, missing), user }
      return { maps: planKeepId(user, intermediateIds(identity, subids), mode.size), user }
    }
    case 'nomap':
    case 'named':
      requireSubids(mode.kind, missing)
      return { maps: { uid: mapRanges(0, subids.uid), gid: mapRanges(0, subids.gid) } }
    case 'auto':
      requireSubids(mode.kind, missing)
      return { maps: planAuto(mode, intermediateIds(identity, subids), resources) }
    case 'explicit':
      return { maps: planExplicit(mode, intermediateIds(identity, missing ? NO_IDS : subids)) }
    default:
      return assertNever(mode)
  }
}

const NO_IDS = { uid: [], gid: [] }

/** Podman's "intermediate" ids as a map: 0 is the caller, then the subordinate ids; for root, those from 0 on. */
export function intermediateIds(
  identity: Identity,
  subids: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] },
): IdMaps {
  if (identity.uid === 0) return { uid: mapRanges(0, subids.uid), gid: mapRanges(0, subids.gid) }
  const caller = callerAs(identity, 0, 0)
  return {
    uid: [...caller.uid, ...mapRanges(1, subids.uid)],
    gid: [...caller.gid, ...mapRanges(1, subids.gid)],
  }
}

function callerAs(identity: Identity, uid: number, gid: number): IdMaps {
  const only = (containerId: number, hostId: number): IdMapping => ({ containerId, hostId, size: 1 })
  return { uid: [only(uid, identity.uid)], gid: [only(gid, identity.gid)] }
}

function singleId(identity: Identity, uid: number, gid: number, missing: MissingSubids): IdMapPlan {
  const message = `only your own user and group id are mapped: ${missing.found}`
  return { maps: callerAs(identity, uid, gid), warning: { message, hint: missing.hint } }
}

function requireSubids(mode: string, missing: MissingSubids | undefined): void {
  if (!missing) return
  throw new BryoError('SUBIDS_MISSING', `cannot use user namespace mode "${mode}": ${missing.found}`, {
    hint: missing.hint,
  })
}

function refuseAsRoot(mode: MappedMode, missing: MissingSubids | undefined): void {
  if (mode.kind === 'host' || mode.kind === 'keep-id') {
    throw new BryoError(
      'USAGE',
      `cannot use user namespace mode "${mode.kind}" as root: it would map the root of this host, expected an unprivileged user`,
      { hint: 'run bryo as the user who owns the files, or leave the option out' },
    )
  }
  if (missing) {
    throw new BryoError(
      'SUBIDS_MISSING',
      `cannot map ids as root: ${missing.found}, expected a range, because the root of this host is never mapped`,
      { hint: missing.hint },
    )
  }
}
