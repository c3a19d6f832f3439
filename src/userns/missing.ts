import type { Identity } from './identity.ts'
import { type SubordinateIds, WANTED_IDS } from './subids.ts'

/** What a user without subordinate ids is told. */
export interface MissingSubids {
  /** `/etc/subuid has no entry for "ana"` */
  readonly found: string
  /** The command, with the exact line, that somebody with root runs. */
  readonly hint: string
}

/** undefined where both kinds are granted. */
export function describeMissingSubids(
  identity: Pick<Identity, 'userName'>,
  subids: SubordinateIds,
): MissingSubids | undefined {
  const files = [
    ...(subids.uid.length === 0 ? ['/etc/subuid'] : []),
    ...(subids.gid.length === 0 ? ['/etc/subgid'] : []),
  ]
  if (files.length === 0) return undefined
  const name = identity.userName
  if (subids.source === 'nss') {
    return {
      found: `the subid service of /etc/nsswitch.conf grants no ids to "${name}"`,
      hint: `ask its administrator for ${WANTED_IDS} subordinate user and group ids; test with: getsubids ${name}`,
    }
  }
  return {
    found: `${files.join(' and ')} ${files.length === 1 ? 'has' : 'have'} no entry for "${name}"`,
    hint:
      subids.freeStart === undefined
        ? `no ${WANTED_IDS} ids are free in the files: shorten another entry, then add a line for ${name}`
        : `as root: echo ${name}:${subids.freeStart}:${WANTED_IDS} | tee -a ${files.join(' ')}`,
  }
}
