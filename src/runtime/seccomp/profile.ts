import { constants } from 'node:os'
import { BryoError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/json.ts'
import { type ArgumentComparison, type FilterAction, SCMP_CMP } from '../../syscall/libseccomp.ts'
import { SECCOMP_FILTER_FLAG } from '../../syscall/seccomp.ts'
import { asArray, asInteger, asObject, asOneOf, asString, asStrings } from './json.ts'

/** A seccomp profile in the format of Docker and Podman, which holds the OCI runtime configuration's as well. */
export interface SeccompProfile {
  readonly defaultAction: FilterAction
  /** `SCMP_ARCH_*` of an OCI configuration; undefined where `archMap` says it. */
  readonly architectures: readonly string[] | undefined
  readonly archMap: readonly ArchitectureFamily[]
  /** Bits of SECCOMP_FILTER_FLAG. */
  readonly flags: number
  readonly rules: readonly ProfileRule[]
}

export interface ArchitectureFamily {
  readonly architecture: string
  readonly subArchitectures: readonly string[]
}

export interface ProfileRule {
  readonly names: readonly string[]
  readonly action: FilterAction
  readonly args: readonly ArgumentComparison[]
  readonly includes: RuleCondition
  readonly excludes: RuleCondition
}

/** When a rule counts: `includes` wants all of it, `excludes` any. */
export interface RuleCondition {
  /** `CAP_SYS_ADMIN`. */
  readonly caps: readonly string[]
  /** `amd64`, `arm64`, ... */
  readonly arches: readonly string[]
  /** Oldest kernel, as [major, minor]. */
  readonly minKernel: KernelVersion | undefined
  /** bryo's own: what the container was started with, e.g. `nested-userns`. */
  readonly features: readonly string[]
}

export type KernelVersion = readonly [number, number]

const MAX_TEXT = 1024 * 1024
const MAX_RULES = 4096
const MAX_NAMES = 2048
const MAX_ARGS = 32
const LAST_ARGUMENT = 5

const ERRNO = { base: 0x00050000, mask: 0xfff, byDefault: constants.errno.EPERM }
const TRACE = { base: 0x7ff00000, mask: 0xffff, byDefault: constants.errno.EPERM }
const FIXED_ACTIONS: Readonly<Record<string, FilterAction>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
}
export const ACTION_NAMES = [
  ...Object.keys(FIXED_ACTIONS),
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_NOTIFY',
]

export const OPERATORS: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: SCMP_CMP.ne,
  SCMP_CMP_LT: SCMP_CMP.lt,
  SCMP_CMP_LE: SCMP_CMP.le,
  SCMP_CMP_EQ: SCMP_CMP.eq,
  SCMP_CMP_GE: SCMP_CMP.ge,
  SCMP_CMP_GT: SCMP_CMP.gt,
  SCMP_CMP_MASKED_EQ: SCMP_CMP.maskedEq,
}

export const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: SECCOMP_FILTER_FLAG.tsync,
  SECCOMP_FILTER_FLAG_LOG: SECCOMP_FILTER_FLAG.log,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: SECCOMP_FILTER_FLAG.specAllow,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: SECCOMP_FILTER_FLAG.waitKillable,
}

/**
 * Reads a profile that somebody else wrote. Unknown keys are errors inside a rule, where leaving out a condition would
 * widen it, and ignored at the top.
 * @param source the profile's name in messages
 * @throws BryoError USAGE, naming the place; UNSUPPORTED for SCMP_ACT_NOTIFY
 */
export function parseSeccompProfile(text: string, source: string): SeccompProfile {
  const failed = (reason: string, code: 'USAGE' | 'UNSUPPORTED' = 'USAGE') =>
    new BryoError(code, `cannot read seccomp profile "${source}": ${reason}`)
  if (text.length > MAX_TEXT) throw failed(`${text.length} characters, expected at most ${MAX_TEXT}`)
  try {
    return readProfile(asObject(JSON.parse(text), 'profile'))
  } catch (error) {
    if (error instanceof BryoError) throw failed(error.message, 'UNSUPPORTED')
    if (error instanceof SyntaxError) throw failed(`not JSON: ${error.message}`)
    if (error instanceof RangeError) throw failed('nested too deeply')
    if (error instanceof TypeError) throw failed(error.message)
    throw error
  }
}

function readProfile(profile: JsonObject): SeccompProfile {
  const rules = asArray(profile.syscalls ?? [], 'syscalls', MAX_RULES)
  return {
    defaultAction: readAction(profile, 'defaultAction', 'default', 'profile'),
    architectures:
      profile.architectures == null ? undefined : asStrings(profile.architectures, 'architectures', 64),
    archMap: asArray(profile.archMap ?? [], 'archMap', 64).map((entry, index) =>
      readFamily(entry, `archMap[${index}]`),
    ),
    flags: asStrings(profile.flags ?? [], 'flags', 16).reduce(
      (bits, flag) => bits | asOneOf(flag, FLAGS, 'flags'),
      0,
    ),
    rules: rules.map((rule, index) => readRule(rule, `syscalls[${index}]`)),
  }
}

function readFamily(value: unknown, place: string): ArchitectureFamily {
  const family = asObject(value, place)
  return {
    architecture: asString(family.architecture, `${place}.architecture`),
    subArchitectures: asStrings(family.subArchitectures ?? [], `${place}.subArchitectures`, 64),
  }
}

const RULE_KEYS = ['names', 'name', 'action', 'errnoRet', 'errno', 'args', 'comment', 'includes', 'excludes']

function readRule(value: unknown, place: string): ProfileRule {
  const rule = asObject(value, place, RULE_KEYS)
  if (rule.name != null && rule.names != null)
    throw new TypeError(`${place} has both name and names, expected one`)
  const names =
    rule.name == null
      ? asStrings(rule.names, `${place}.names`, MAX_NAMES)
      : [asString(rule.name, `${place}.name`)]
  const args = asArray(rule.args ?? [], `${place}.args`, MAX_ARGS)
  return {
    names,
    action: readAction(rule, 'action', 'errno', place),
    args: args.map((arg, index) => readComparison(arg, `${place}.args[${index}]`)),
    includes: readCondition(rule.includes, `${place}.includes`),
    excludes: readCondition(rule.excludes, `${place}.excludes`),
  }
}

/** An action with its errno, which stands as number, as name, or (Podman) as both. */
function readAction(object: JsonObject, key: string, kind: 'default' | 'errno', place: string): FilterAction {
  const name = asString(object[key], `${place}.${key}`)
  if (!ACTION_NAMES.includes(name)) {
    throw new TypeError(
      `${place}.${key} is "${name.slice(0, 64)}", expected one of ${ACTION_NAMES.join(', ')}`,
    )
  }
  if (name === 'SCMP_ACT_NOTIFY') {
    throw new BryoError(
      'UNSUPPORTED',
      `${place}.${key} is SCMP_ACT_NOTIFY, which needs a supervisor that bryo does not have`,
    )
  }
  const fixed = FIXED_ACTIONS[name]
  if (fixed !== undefined) return fixed
  const [numberKey, nameKey] =
    kind === 'default' ? ['defaultErrnoRet', 'defaultErrno'] : ['errnoRet', 'errno']
  const { base, mask, byDefault } = name === 'SCMP_ACT_TRACE' ? TRACE : ERRNO
  const errno = readErrno(object[numberKey], object[nameKey], `${place}.${numberKey}`, mask) ?? byDefault
  return base + errno
}

function readErrno(number: unknown, name: unknown, place: string, max: number): number | undefined {
  const byNumber = number == null ? undefined : asInteger(number, place, max)
  if (name == null || name === '') return byNumber
  const byName = asOneOf(asString(name, place), constants.errno, place)
  if (byNumber !== undefined && byNumber !== byName) {
    throw new TypeError(`${place} is ${byNumber}, expected ${byName} as the errno beside it says`)
  }
  return byName
}

function readComparison(value: unknown, place: string): ArgumentComparison {
  const arg = asObject(value, place, ['index', 'value', 'valueTwo', 'op'])
  return {
    index: asInteger(arg.index ?? 0, `${place}.index`, LAST_ARGUMENT),
    op: asOneOf(asString(arg.op, `${place}.op`), OPERATORS, `${place}.op`),
    datumA: BigInt(asInteger(arg.value ?? 0, `${place}.value`, Number.MAX_SAFE_INTEGER)),
    datumB: BigInt(asInteger(arg.valueTwo ?? 0, `${place}.valueTwo`, Number.MAX_SAFE_INTEGER)),
  }
}

const NO_CONDITION: RuleCondition = { caps: [], arches: [], minKernel: undefined, features: [] }

function readCondition(value: unknown, place: string): RuleCondition {
  if (value == null) return NO_CONDITION
  const condition = asObject(value, place, ['caps', 'arches', 'minKernel', 'features'])
  return {
    caps: asStrings(condition.caps ?? [], `${place}.caps`, 64),
    arches: asStrings(condition.arches ?? [], `${place}.arches`, 64),
    minKernel:
      condition.minKernel == null ? undefined : readKernel(condition.minKernel, `${place}.minKernel`),
    features: asStrings(condition.features ?? [], `${place}.features`, 16),
  }
}

function readKernel(value: unknown, place: string): KernelVersion {
  const version = parseKernelVersion(asString(value, place))
  if (!version)
    throw new TypeError(`${place} is "${String(value).slice(0, 64)}", expected a version such as "4.8"`)
  return version
}

/** `[6, 18]` of `6.18.44-amd64`; undefined where the text starts with no version. */
export function parseKernelVersion(release: string): KernelVersion | undefined {
  const match = /^(\d{1,6})\.(\d{1,6})(?![\d])/.exec(release)
  return match ? [Number(match[1]), Number(match[2])] : undefined
}
