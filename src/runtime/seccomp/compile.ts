import { constants } from 'node:os'
import { BryoError } from '../../base/errors.ts'
import {
  type ArgumentComparison,
  type FilterAction,
  type FilterRule,
  type Libseccomp,
  SCMP_ARCH,
  SCMP_CMP,
} from '../../syscall/libseccomp.ts'
import { buildGuard, type GuardedCall, type Refusal } from './guard.ts'
import { MULTIPLEXED_CALLS, MULTIPLEXERS } from './multiplexer.ts'
import type { HostArchitecture, SelectedProfile, SelectedRule } from './select.ts'

const TOKENS: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86: SCMP_ARCH.x86,
  SCMP_ARCH_X86_64: SCMP_ARCH.x86_64,
  SCMP_ARCH_X32: SCMP_ARCH.x32,
  SCMP_ARCH_ARM: SCMP_ARCH.arm,
  SCMP_ARCH_AARCH64: SCMP_ARCH.aarch64,
}

const ERRNO_ACTION = 0x00050000
const ENOSYS = ERRNO_ACTION | constants.errno.ENOSYS
/** Answers from here on let the call through: TRACE, LOG, ALLOW. Below are KILL_THREAD, TRAP and ERRNO; KILL_PROCESS is above. */
const FIRST_PERMISSION = 0x7ff00000
const KILL_PROCESS = 0x80000000
const MAX_INSTRUCTIONS = 4096
const SIZEOF_INSTRUCTION = 8

/** What a host of each architecture can run; a profile may list more. */
const RUNNABLE: Readonly<Record<HostArchitecture, readonly string[]>> = {
  amd64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
}

type Calls = ReadonlyMap<string, readonly SelectedRule[]>

/**
 * Compiles the rules of a profile to BPF. Where rules disagree about a call, a refusal wins over a permission, whatever their
 * order. libseccomp cannot say that, so such refusals become a guard in front of its program.
 *
 * Names that this libseccomp does not know are left to the default action.
 * @throws BryoError UNSUPPORTED where the filter is longer than the kernel takes, and where an unknown name would be permitted
 * though the profile refuses it; SyscallError of libseccomp
 */
export function compileProfile(
  library: Libseccomp,
  profile: SelectedProfile,
  host: HostArchitecture,
): Buffer {
  const calls = groupByName(profile.rules)
  const runnable = profile.architectures.filter((name) => RUNNABLE[host].includes(name))
  const tokens = runnable.flatMap((name) => TOKENS[name] ?? [])
  const guard = buildGuard(tokens.flatMap((token) => guardedCalls(library, token, calls)))
  const rest = library.compile({
    defaultAction: profile.defaultAction,
    architectures: tokens,
    rules: [...calls].flatMap(([name, rules]) => filterRules(library, name, rules, profile.defaultAction)),
  })
  const program = Buffer.concat([guard, rest])
  const instructions = program.length / SIZEOF_INSTRUCTION
  if (instructions > MAX_INSTRUCTIONS) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot use the seccomp profile: it compiles to ${instructions} instructions, expected at most ${MAX_INSTRUCTIONS}`,
    )
  }
  return program
}

function groupByName(rules: readonly SelectedRule[]): Calls {
  const calls = new Map<string, SelectedRule[]>()
  for (const rule of rules) {
    const group = calls.get(rule.name)
    if (group) group.push(rule)
    else calls.set(rule.name, [rule])
  }
  return calls
}

function isRefusal(action: FilterAction): boolean {
  return action < FIRST_PERMISSION || action >= KILL_PROCESS
}

/** The refusals that libseccomp would lose beside the permissions of the same call. */
function guardedRefusals(rules: readonly SelectedRule[]): readonly Refusal[] {
  const refusals = rules.filter((rule) => isRefusal(rule.action))
  return refusals.length === rules.length ? [] : refusals
}

/** What is left for libseccomp: refusals alone, or permissions alone, without what happens anyway. */
function filterRules(
  library: Libseccomp,
  name: string,
  rules: readonly SelectedRule[],
  defaultAction: FilterAction,
): readonly FilterRule[] {
  const syscall = library.resolve(name)
  if (syscall === undefined) {
    if (!isRefusal(defaultAction) && rules.some((rule) => isRefusal(rule.action))) throw unknownRefusal(name)
    return []
  }
  const permissions = rules.filter((rule) => !isRefusal(rule.action))
  const kept = permissions.length === 0 ? rules : permissions
  return kept
    .filter((rule) => rule.action !== defaultAction)
    .map(({ action, args }) => ({ action, syscall, args }))
}

function unknownRefusal(name: string): BryoError {
  return new BryoError(
    'UNSUPPORTED',
    `cannot use the seccomp profile: it refuses "${name}", which the libseccomp of this host does not know`,
    {
      hint: 'update libseccomp, or correct the name; a profile that refuses by default and lists what it allows has no such gap',
    },
  )
}

function guardedCalls(library: Libseccomp, token: number, calls: Calls): readonly GuardedCall[] {
  const auditArch = token === SCMP_ARCH.x32 ? SCMP_ARCH.x86_64 : token
  const guarded: GuardedCall[] = []
  for (const [name, rules] of calls) {
    const refusals = guardedRefusals(rules)
    const syscall = resolveDirect(library, token, name)
    if (syscall !== undefined && refusals.length > 0) guarded.push({ auditArch, syscall, refusals })
  }
  return token === SCMP_ARCH.x86 ? [...guarded, ...guardedMultiplexers(calls)] : guarded
}

/** libseccomp has no number for calls that i386 also reaches through a multiplexer. */
function resolveDirect(library: Libseccomp, token: number, name: string): number | undefined {
  const multiplexed = token === SCMP_ARCH.x86 ? MULTIPLEXED_CALLS.get(name) : undefined
  return multiplexed ? multiplexed.direct : library.resolveOn(token, name)
}

/**
 * The arguments of a multiplexed call lie in memory, where a filter cannot see them. Conditions that a profile puts on the
 * call would therefore be void on i386: its entry in the multiplexer is refused, and programs use the direct call. A profile
 * that names the multiplexer itself has decided otherwise.
 */
function guardedMultiplexers(calls: Calls): readonly GuardedCall[] {
  return MULTIPLEXERS.filter(({ name }) => !calls.has(name)).flatMap(({ name, syscall, mask }) => {
    const refusals = [...MULTIPLEXED_CALLS]
      .filter(([call, { multiplexer }]) => multiplexer === name && isConditional(calls.get(call)))
      .map(([, { entry }]): Refusal => ({ action: ENOSYS, args: [lowBitsEqual(mask, entry)] }))
    return refusals.length === 0 ? [] : [{ auditArch: SCMP_ARCH.x86, syscall, refusals }]
  })
}

function isConditional(rules: readonly SelectedRule[] | undefined): boolean {
  return rules?.some((rule) => rule.args.length > 0) ?? false
}

function lowBitsEqual(mask: bigint, value: number): ArgumentComparison {
  return { index: 0, op: SCMP_CMP.maskedEq, datumA: mask, datumB: BigInt(value) }
}
