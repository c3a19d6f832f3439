import { RLIM_INFINITY, RLIMIT } from '../../../syscall/process.ts'
import {
  absolutePath,
  flag,
  integer,
  type JsonNode,
  list,
  member,
  mismatch,
  nonEmpty,
  optional,
  refuse,
  text,
} from './node.ts'
import {
  CAPABILITY_SETS,
  type OciCapabilities,
  type OciProcess,
  type OciRlimit,
  type OciUser,
} from './types.ts'

/** The last id that setresuid(2) takes; the one behind it means "unchanged". */
const MAX_ID = 0xfffffffe
const MAX_SIZE = 0xffff

/** @see config.md "Process" */
export function readProcess(node: JsonNode): OciProcess {
  refuse(node, 'scheduler', 'the priorities of the caller stay')
  refuse(node, 'ioPriority', 'the priorities of the caller stay')
  refuse(node, 'execCPUAffinity', 'the processors of the caller stay')
  const args = list(node, 'args', text)
  if (args.length === 0 || args[0] === '') throw mismatch(member(node, 'args'), 'a program and its arguments')
  return {
    terminal: optional(node, 'terminal', flag) ?? false,
    consoleSize: optional(node, 'consoleSize', (size) => ({
      rows: integer(member(size, 'height'), 0, MAX_SIZE),
      columns: integer(member(size, 'width'), 0, MAX_SIZE),
    })),
    user: readUser(member(node, 'user')),
    args,
    env: list(node, 'env', text),
    cwd: absolutePath(member(node, 'cwd')),
    capabilities: readCapabilities(member(node, 'capabilities')),
    rlimits: readRlimits(node),
    noNewPrivileges: optional(node, 'noNewPrivileges', flag) ?? false,
    apparmorProfile: optional(node, 'apparmorProfile', text) || undefined,
    selinuxLabel: optional(node, 'selinuxLabel', text) || undefined,
    oomScoreAdj: optional(node, 'oomScoreAdj', (score) => integer(score, -1000, 1000)),
  }
}

/** A container may be created without a process; it cannot be started then. */
export const NO_PROCESS: OciProcess = {
  terminal: false,
  consoleSize: undefined,
  user: { uid: 0, gid: 0, umask: undefined, additionalGids: [] },
  args: [],
  env: [],
  cwd: '/',
  capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
  rlimits: [],
  noNewPrivileges: true,
  apparmorProfile: undefined,
  selinuxLabel: undefined,
  oomScoreAdj: undefined,
}

export function readId(node: JsonNode): number {
  return integer(node, 0, MAX_ID)
}

function readUser(node: JsonNode): OciUser {
  return {
    uid: optional(node, 'uid', readId) ?? 0,
    gid: optional(node, 'gid', readId) ?? 0,
    umask: optional(node, 'umask', (mask) => integer(mask, 0, 0o777)),
    additionalGids: list(node, 'additionalGids', readId),
  }
}

function readCapabilities(node: JsonNode): OciCapabilities {
  const [bounding, effective, permitted, inheritable, ambient] = CAPABILITY_SETS.map((set) =>
    list(node, set, nonEmpty),
  )
  return {
    bounding: bounding ?? [],
    effective: effective ?? [],
    permitted: permitted ?? [],
    inheritable: inheritable ?? [],
    ambient: ambient ?? [],
  }
}

const RLIMIT_NAMES = new Set(Object.keys(RLIMIT).map((name) => `RLIMIT_${name.toUpperCase()}`))

function readRlimits(node: JsonNode): readonly OciRlimit[] {
  const seen = new Set<string>()
  return list(node, 'rlimits', (entry) => {
    const type = text(member(entry, 'type'))
    if (!RLIMIT_NAMES.has(type))
      throw mismatch(member(entry, 'type'), 'the name of a limit, e.g. RLIMIT_NOFILE')
    if (seen.has(type)) throw mismatch(member(entry, 'type'), 'each limit once')
    seen.add(type)
    const limit = { type, soft: readLimit(member(entry, 'soft')), hard: readLimit(member(entry, 'hard')) }
    if (limit.soft > limit.hard) throw mismatch(member(entry, 'soft'), `at most the hard limit ${limit.hard}`)
    return limit
  })
}

/** A double has 2 to the power of 64 where JSON has the greatest 64-bit number, which means no limit. */
function readLimit(node: JsonNode): bigint {
  const { value } = node
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 2 ** 64) {
    throw mismatch(node, 'a whole number of at most 64 bits')
  }
  return value === 2 ** 64 ? RLIM_INFINITY : BigInt(value)
}
