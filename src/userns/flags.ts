import { BryoError } from '../base/errors.ts'
import { parseIdMapRequest } from './map-request.ts'
import { parseUsernsMode, type UsernsMode } from './mode.ts'

/** The options of `run` and `create` that choose the user namespace, as they were given. */
export interface UsernsFlags {
  readonly userns?: string | undefined
  readonly uidmap?: readonly string[]
  readonly gidmap?: readonly string[]
  readonly subuidname?: string | undefined
  readonly subgidname?: string | undefined
}

/**
 * One mode from all the options. `--uidmap` alone counts for the group ids too, and the other way round; so do
 * the names. Throws USAGE where options exclude each other.
 */
export function usernsModeFromFlags(flags: UsernsFlags): UsernsMode {
  const maps = (flags.uidmap?.length ?? 0) + (flags.gidmap?.length ?? 0) > 0
  const names = flags.subuidname !== undefined || flags.subgidname !== undefined
  const mapOption = (flags.uidmap?.length ?? 0) > 0 ? '--uidmap' : '--gidmap'
  const nameOption = flags.subuidname !== undefined ? '--subuidname' : '--subgidname'
  if (flags.userns !== undefined && !['', 'private'].includes(flags.userns)) {
    if (maps) throw conflict('--userns', mapOption)
    if (names) throw conflict('--userns', nameOption)
  }
  if (maps && names) throw conflict(mapOption, nameOption)
  if (maps) return explicitMode(flags)
  if (names) {
    const [uidName, gidName] = [flags.subuidname ?? flags.subgidname, flags.subgidname ?? flags.subuidname]
    return { kind: 'named', uidName: uidName ?? '', gidName: gidName ?? '' }
  }
  return parseUsernsMode(flags.userns ?? '')
}

function explicitMode({ uidmap = [], gidmap = [] }: UsernsFlags): UsernsMode {
  const uid = uidmap.map((text) => parseIdMapRequest(text, '--uidmap'))
  const gid = gidmap.map((text) => parseIdMapRequest(text, '--gidmap'))
  return {
    kind: 'explicit',
    uid: (uid.length === 0 ? gid : uid).filter(({ kinds }) => kinds.includes('uid')),
    gid: (gid.length === 0 ? uid : gid).filter(({ kinds }) => kinds.includes('gid')),
  }
}

function conflict(a: string, b: string): BryoError {
  return new BryoError('USAGE', `${a} and ${b} cannot be used together`)
}
