import { findProgram } from '../../base/findProgram.ts'
import type { HelperPrivilege } from '../../userns/helper-privilege.ts'
import { readHelperPrivilege } from '../../userns/helper-privilege.ts'
import { type Identity, readIfExists } from '../../userns/identity.ts'
import { describeMissingSubids } from '../../userns/missing.ts'
import { type IdRange, rangesOverlap, totalIds } from '../../userns/ranges.ts'
import { parseSubidFile, type SubidEntry } from '../../userns/subid-file.ts'
import { type SubordinateIds, WANTED_IDS } from '../../userns/subids.ts'
import { helperMissing, type MapHelper } from '../../userns/write-failure.ts'
import { type DoctorFacts, type Finding, finding } from './finding.ts'

const SUBIDS = { id: 'subordinate-ids', title: 'subordinate ids' }
const OVERLAPS = { id: 'subordinate-id-overlaps', title: 'subordinate ids of nobody else' }

/** Root writes maps itself; a user without subordinate ids maps the own id without help. */
export function checkSubids(
  facts: DoctorFacts,
  identity: Identity,
  subids: SubordinateIds,
): readonly Finding[] {
  const needsHelpers = identity.uid !== 0 && describeMissingSubids(identity, subids) === undefined
  const foreign = {
    uid: foreignEntries(readIfExists('/etc/subuid'), identity),
    gid: foreignEntries(readIfExists('/etc/subgid'), identity),
  }
  return [
    judgeSubids(identity, subids),
    judgeOverlaps(subids, foreign, accountIds(readIfExists('/etc/passwd'))),
    ...(['newuidmap', 'newgidmap'] as const).map((helper) => {
      const path = findProgram(helper, facts.env.PATH)
      return judgeHelper(helper, path === undefined ? undefined : readHelperPrivilege(path), needsHelpers)
    }),
  ]
}

export function judgeSubids(identity: Identity, subids: SubordinateIds): Finding {
  const missing = describeMissingSubids(identity, subids)
  if (missing) {
    const worst = identity.uid === 0 ? 'the root of this host is never mapped' : 'containers have one id only'
    return finding(
      SUBIDS,
      identity.uid === 0 ? 'error' : 'warning',
      `${missing.found}: ${worst}`,
      missing.hint,
    )
  }
  const [uids, gids] = [totalIds(subids.uid), totalIds(subids.gid)]
  const detail = `${uids} user ids, ${gids} group ids from ${subids.source}`
  if (Math.min(uids, gids) < WANTED_IDS) {
    const fix = `as root: let the lines of "${identity.userName}" in /etc/subuid and /etc/subgid grant ${WANTED_IDS} ids`
    return finding(SUBIDS, 'warning', `${detail}, expected ${WANTED_IDS} of each`, fix)
  }
  if (subids.problems.length > 0) {
    const fix = 'as root: correct the line to NAME:FIRST_ID:COUNT'
    return finding(SUBIDS, 'warning', `${detail}; ignored: ${subids.problems.join(', ')}`, fix)
  }
  return finding(SUBIDS, 'ok', detail)
}

function foreignEntries(text: string, { uid, userName }: Identity): readonly SubidEntry[] {
  const own = [userName, String(uid), ...(uid === 0 ? ['containers'] : [])]
  return parseSubidFile(text).entries.filter(({ owner }) => !own.includes(owner))
}

interface Account {
  readonly name: string
  readonly uid: number
}

function accountIds(passwd: string): readonly Account[] {
  return [...passwd.matchAll(/^([^:\n]+):[^:\n]*:(\d+):/gm)].map(([, name = '', uid]) => ({
    name,
    uid: Number(uid),
  }))
}

/** Ids that two users hold let one of them reach the other's containers and files. */
export function judgeOverlaps(
  subids: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] },
  foreign: { readonly uid: readonly SubidEntry[]; readonly gid: readonly SubidEntry[] },
  accounts: readonly Account[],
): Finding {
  const shared = (['uid', 'gid'] as const).flatMap((kind) =>
    foreign[kind]
      .filter((entry) => subids[kind].some((range) => rangesOverlap(range, entry)))
      .map(({ owner, start, count }) => `${owner}:${start}:${count} in /etc/sub${kind}`),
  )
  const inside = accounts
    .filter(({ uid }) => subids.uid.some((range) => rangesOverlap(range, { start: uid, count: 1 })))
    .map(({ name, uid }) => `the account "${name}" has user id ${uid}`)
  const found = [...shared, ...inside]
  if (found.length === 0) return finding(OVERLAPS, 'ok', 'no range is shared')
  const more = found.length > 3 ? ` and ${found.length - 3} more` : ''
  const fix =
    'as root: give each user a range of its own, outside of the ids of accounts; then: bryo system reset'
  return finding(OVERLAPS, 'warning', `shared with ${found.slice(0, 3).join(', ')}${more}`, fix)
}

export function judgeHelper(
  helper: MapHelper,
  privilege: HelperPrivilege | undefined,
  needed: boolean,
): Finding {
  const subject = { id: helper, title: helper }
  const bad = needed ? 'error' : 'skipped'
  if (!privilege) return finding(subject, bad, 'not found in /usr/bin or $PATH', helperMissing(helper).hint)
  const { path, setuid, capability, nosuid } = privilege
  if (nosuid)
    return finding(
      subject,
      bad,
      `${path} is on a filesystem that is mounted nosuid`,
      'mount it without nosuid',
    )
  if (setuid || capability)
    return finding(subject, 'ok', `${path}, ${setuid ? 'set-user-ID root' : 'file capability'}`)
  const wanted = helper === 'newuidmap' ? 'cap_setuid' : 'cap_setgid'
  return finding(
    subject,
    bad,
    `${path} is neither set-user-ID root nor has a file capability`,
    `as root: chmod u+s ${path}, or: setcap ${wanted}=ep ${path}`,
  )
}
