import type { UlimitRequest } from '../../engine/container/request.ts'

const NAMES = new Set([
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue'],
  ...['nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime', 'sigpending', 'stack'],
])
const EXPECTED = 'expected NAME=SOFT[:HARD], with -1 for unlimited, or host'
const MAX = 2n ** 64n - 1n

/** One `--ulimit`: `nofile=1024:4096`, `core=-1`; `RLIMIT_NOFILE` names the same as `nofile`. */
export function parseUlimit(text: string): UlimitRequest | 'host' {
  if (text === 'host') return 'host'
  const [, name = '', soft, hard = soft] = /^([A-Za-z_]+)=([^:]+)(?::([^:]+))?$/.exec(text) ?? []
  if (soft === undefined || hard === undefined) throw new Error(EXPECTED)
  const known = name.toLowerCase().replace(/^rlimit_/, '')
  if (!NAMES.has(known)) {
    throw new Error(`unknown limit "${name}", expected one of ${[...NAMES].join(', ')}`)
  }
  if (limitOf(soft) > limitOf(hard)) throw new Error(`the soft limit ${soft} is above the hard limit ${hard}`)
  return { type: `RLIMIT_${known.toUpperCase()}`, soft: limitText(soft), hard: limitText(hard) }
}

function limitOf(text: string): bigint {
  if (text === '-1' || text === 'unlimited') return MAX
  const limit = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n
  if (limit < 0n || limit > MAX) throw new Error(EXPECTED)
  return limit
}

function limitText(text: string): string {
  const limit = limitOf(text)
  return limit === MAX ? 'unlimited' : String(limit)
}

/** All `--ulimit` together: of one name the last counts, `host` stands for each of the caller's own limits. */
export function combineUlimits(
  given: readonly (UlimitRequest | 'host')[],
  readOwnLimits: () => string,
): readonly UlimitRequest[] {
  const all = given.flatMap((limit) => (limit === 'host' ? parseOwnLimits(readOwnLimits()) : [limit]))
  return [...new Map(all.map((limit) => [limit.type, limit])).values()]
}

/** Rows of /proc/self/limits, whose names are words; @see proc_pid_limits(5) */
const OWN_NAMES: Readonly<Record<string, string>> = {
  'cpu time': 'CPU',
  'file size': 'FSIZE',
  'data size': 'DATA',
  'stack size': 'STACK',
  'core file size': 'CORE',
  'resident set': 'RSS',
  processes: 'NPROC',
  'open files': 'NOFILE',
  'locked memory': 'MEMLOCK',
  'address space': 'AS',
  'file locks': 'LOCKS',
  'pending signals': 'SIGPENDING',
  'msgqueue size': 'MSGQUEUE',
  'nice priority': 'NICE',
  'realtime priority': 'RTPRIO',
  'realtime timeout': 'RTTIME',
}

export function parseOwnLimits(content: string): readonly UlimitRequest[] {
  return content.split('\n').flatMap((line) => {
    const [, words = '', soft, hard] = /^Max (.+?) {2,}(unlimited|\d+) +(unlimited|\d+)/.exec(line) ?? []
    const name = OWN_NAMES[words]
    if (name === undefined || soft === undefined || hard === undefined) return []
    return [{ type: `RLIMIT_${name}`, soft, hard }]
  })
}
