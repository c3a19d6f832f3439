import type { ArgumentComparison, FilterAction } from '../../syscall/libseccomp.ts'
import { type CapabilityMask, capabilityNumber, hasCapability } from '../capabilities.ts'
import type { KernelVersion, ProfileRule, RuleCondition, SeccompProfile } from './profile.ts'

/** What a container has, as far as the rules of a profile ask. */
export interface SeccompSituation {
  /** The bounding set. */
  readonly capabilities: CapabilityMask
  readonly arch: HostArchitecture
  readonly kernel: KernelVersion
  readonly features: readonly SeccompFeature[]
}

/** In the names of Go, which profiles use. */
export type HostArchitecture = 'amd64' | 'arm64'

/** `nested-userns`: the container may have user namespaces of its own. */
export type SeccompFeature = 'nested-userns'

/** A profile without its conditions: one entry per call. */
export interface SelectedProfile {
  readonly defaultAction: FilterAction
  readonly flags: number
  /** `SCMP_ARCH_*`, the host's own first. */
  readonly architectures: readonly string[]
  readonly rules: readonly SelectedRule[]
}

export interface SelectedRule {
  readonly name: string
  readonly action: FilterAction
  /** All must hold; at most one for each argument. */
  readonly args: readonly ArgumentComparison[]
}

const NATIVE_ARCHITECTURE: Readonly<Record<HostArchitecture, string>> = {
  amd64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
}

/** The rules of a profile that count here. Pure. */
export function selectRules(profile: SeccompProfile, situation: SeccompSituation): SelectedProfile {
  const rules = profile.rules
    .filter((rule) => includesAll(rule.includes, situation) && !excludesAny(rule.excludes, situation))
    .flatMap(expandRule)
  return {
    defaultAction: profile.defaultAction,
    flags: profile.flags,
    architectures: selectArchitectures(profile, NATIVE_ARCHITECTURE[situation.arch]),
    rules,
  }
}

/** Two comparisons of one argument are alternatives: so Docker reads them, and so profiles are written. */
function expandRule({ names, action, args }: ProfileRule): readonly SelectedRule[] {
  const repeated = new Set(args.map((arg) => arg.index)).size < args.length
  const alternatives = repeated ? args.map((arg) => [arg]) : [args]
  return names.flatMap((name) => alternatives.map((alternative) => ({ name, action, args: alternative })))
}

function includesAll(
  wanted: RuleCondition,
  { capabilities, arch, kernel, features }: SeccompSituation,
): boolean {
  return (
    wanted.caps.every((name) => holds(capabilities, name)) &&
    (wanted.arches.length === 0 || wanted.arches.includes(arch)) &&
    (wanted.minKernel === undefined || isAtLeast(kernel, wanted.minKernel)) &&
    wanted.features.every((name) => features.some((feature) => feature === name))
  )
}

function excludesAny(
  unwanted: RuleCondition,
  { capabilities, arch, kernel, features }: SeccompSituation,
): boolean {
  return (
    unwanted.caps.some((name) => holds(capabilities, name)) ||
    unwanted.arches.includes(arch) ||
    (unwanted.minKernel !== undefined && isAtLeast(kernel, unwanted.minKernel)) ||
    unwanted.features.some((name) => features.some((feature) => feature === name))
  )
}

function holds(capabilities: CapabilityMask, name: string): boolean {
  const number = capabilityNumber(name)
  return number !== undefined && hasCapability(capabilities, number)
}

function isAtLeast([major, minor]: KernelVersion, [wantedMajor, wantedMinor]: KernelVersion): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

function selectArchitectures(profile: SeccompProfile, native: string): readonly string[] {
  const family = profile.archMap.find(({ architecture }) => architecture === native)
  return [...new Set([native, ...(family?.subArchitectures ?? []), ...(profile.architectures ?? [])])]
}
