import { findProgram } from '../base/findProgram.ts'
import { readIfExists } from './identity.ts'
import { runProgram } from './program.ts'
import { type IdRange, isRange, withoutRepeats } from './ranges.ts'
import { findFreeRange, type OwnRanges, ownRanges, parseSubidFile } from './subid-file.ts'

/** How many ids a container expects: 0 to 65535. */
export const WANTED_IDS = 65536

/** The ids that a user may map beside the own one. @see subuid(5) */
export interface SubordinateIds {
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
  /** `nss` where another service than the files grants them. */
  readonly source: 'files' | 'nss'
  /** Lines for this user that grant nothing: `/etc/subuid line 3: "ana:x:65536"`. */
  readonly problems: readonly string[]
  /** Where a range is missing: the start of {@link WANTED_IDS} ids that are free in both files. */
  readonly freeStart?: number | undefined
}

export interface SubordinateIdsRequest {
  readonly uid: number
  readonly userName: string
  /** $PATH, for `getsubids`. */
  readonly searchPath?: string | undefined
}

/** True where nsswitch.conf names another source than files. @see nsswitch.conf(5) */
export function usesOtherSubidService(nsswitch: string): boolean {
  const source = /^[ \t]*subid:[ \t]*([^\s#]+)/m.exec(nsswitch)?.[1]
  return source !== undefined && source !== 'files'
}

/** The output of getsubids(1): `0: ana 100000 65536`. */
export function parseGetsubids(output: string): readonly IdRange[] {
  const lines = output.matchAll(/^\d+:\s+\S+\s+(\d+)\s+(\d+)\s*$/gm)
  return [...lines]
    .map(([, start, count]) => ({ start: Number(start), count: Number(count) }))
    .filter(isRange)
}

/**
 * The subordinate ids of a user; root's may be listed for the name `containers` too, as Podman has them.
 * A missing file or service grants nothing.
 */
export function readSubordinateIds(request: SubordinateIdsRequest): SubordinateIds {
  if (usesOtherSubidService(readIfExists('/etc/nsswitch.conf'))) {
    const found = askGetsubids(request)
    if (found) return found
  }
  const text = { uid: readIfExists('/etc/subuid'), gid: readIfExists('/etc/subgid') }
  const own = subordinateIdsIn(text, [request.userName, String(request.uid)])
  if (request.uid !== 0 || (own.uid.length > 0 && own.gid.length > 0)) return own
  const shared = subordinateIdsIn(text, ['containers'])
  return shared.uid.length > 0 && shared.gid.length > 0 ? shared : own
}

interface SubidTexts {
  readonly uid: string
  readonly gid: string
}

/** What the text of the two files grants to the user of these names. */
export function subordinateIdsIn(text: SubidTexts, owners: readonly string[]): SubordinateIds {
  const uid = ownRanges(text.uid, owners)
  const gid = ownRanges(text.gid, owners)
  const complete = uid.ranges.length > 0 && gid.ranges.length > 0
  return {
    uid: withoutRepeats(uid.ranges),
    gid: withoutRepeats(gid.ranges),
    source: 'files',
    problems: [...describe('/etc/subuid', uid), ...describe('/etc/subgid', gid)],
    ...(complete ? {} : { freeStart: freeInBoth(text) }),
  }
}

function describe(file: string, { malformed }: OwnRanges): readonly string[] {
  return malformed.map(({ line, text }) => `${file} line ${line}: ${JSON.stringify(text)}`)
}

function freeInBoth(text: SubidTexts): number | undefined {
  return findFreeRange([...parseSubidFile(text.uid).entries, ...parseSubidFile(text.gid).entries], WANTED_IDS)
}

/** undefined where the program is not there: then newuidmap, too, falls back on the files. */
function askGetsubids({ userName, searchPath }: SubordinateIdsRequest): SubordinateIds | undefined {
  const getsubids = findProgram('getsubids', searchPath)
  if (getsubids === undefined) return undefined
  const uid = runProgram(getsubids, [userName])
  const gid = runProgram(getsubids, ['-g', userName])
  return {
    uid: withoutRepeats(parseGetsubids(uid.stdout)),
    gid: withoutRepeats(parseGetsubids(gid.stdout)),
    source: 'nss',
    problems: [],
  }
}
