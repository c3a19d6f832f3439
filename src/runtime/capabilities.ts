import { BryoError, isErrno } from '../base/errors.ts'
import {
  capset,
  clearAmbientSet,
  dropFromBoundingSet,
  raiseAmbient,
  setKeepCapabilities,
} from '../syscall/capability.ts'

/** In the kernel's order: the index is the number. @see capabilities(7) */
export const CAPABILITY_NAMES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const

export type CapabilityName = (typeof CAPABILITY_NAMES)[number]

/** Bit n is capability number n. */
export type CapabilityMask = bigint

const NUMBERS: ReadonlyMap<string, number> = new Map(CAPABILITY_NAMES.map((name, number) => [name, number]))

/** Every capability that bryo can name: what a new user namespace gives its first process. */
export const ALL_CAPABILITIES: CapabilityMask = (1n << BigInt(CAPABILITY_NAMES.length)) - 1n

/** What root of a container may do where nothing else is asked. */
export const DEFAULT_CAPABILITIES: CapabilityMask = capabilityMask([
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_NET_BIND_SERVICE',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
])

/** The number of a full name such as `CAP_CHOWN`; undefined for any other text. */
export function capabilityNumber(name: string): number | undefined {
  return NUMBERS.get(name)
}

export function capabilityMask(names: readonly CapabilityName[]): CapabilityMask {
  return names.reduce((mask, name) => mask | (1n << BigInt(CAPABILITY_NAMES.indexOf(name))), 0n)
}

/** Full names, in the order of their numbers; bits that have no name are left out. */
export function capabilityNames(mask: CapabilityMask): readonly CapabilityName[] {
  return CAPABILITY_NAMES.filter((_, number) => hasCapability(mask, number))
}

export function hasCapability(mask: CapabilityMask, number: number): boolean {
  return ((mask >> BigInt(number)) & 1n) === 1n
}

/** The five sets of a process, as they are to be at execve. */
export interface CapabilityPlan {
  readonly bounding: CapabilityMask
  readonly effective: CapabilityMask
  readonly permitted: CapabilityMask
  readonly inheritable: CapabilityMask
  readonly ambient: CapabilityMask
}

export interface CapabilityRequest {
  /** `--cap-add`: names with or without `CAP_`, in any case, or `ALL`. */
  readonly add: readonly string[]
  /** `--cap-drop`, in the same form. */
  readonly drop: readonly string[]
  readonly privileged: boolean
  /** Whether the workload starts as uid 0 of the container. */
  readonly isRoot: boolean
  /** What the container's user namespace has to give; everything by default. */
  readonly available?: CapabilityMask
}

/**
 * The sets of a workload. A user that is not root gets only what `add` names, as inheritable and ambient too, without
 * which execve would take it away.
 * @throws BryoError USAGE for an unknown name, and for one that is both added and dropped
 */
export function planCapabilities(request: CapabilityRequest): CapabilityPlan {
  const { privileged, isRoot, available = ALL_CAPABILITIES } = request
  const add = parseNames('--cap-add', request.add)
  const drop = parseNames('--cap-drop', request.drop)
  refuseConflicts(add, drop)
  const bounding = (privileged ? available : merge(add, drop)) & available
  if (isRoot) return { bounding, effective: bounding, permitted: bounding, inheritable: 0n, ambient: 0n }
  const own = add.mask & bounding
  return { bounding, effective: own, permitted: own, inheritable: own, ambient: own }
}

interface NamedCapabilities {
  readonly all: boolean
  readonly mask: CapabilityMask
}

function merge(add: NamedCapabilities, drop: NamedCapabilities): CapabilityMask {
  if (drop.all) return add.mask
  const base = add.all ? ALL_CAPABILITIES : DEFAULT_CAPABILITIES | add.mask
  return base & ~drop.mask
}

function refuseConflicts(add: NamedCapabilities, drop: NamedCapabilities): void {
  if (add.all && drop.all) throw new BryoError('USAGE', 'cannot add all capabilities and drop all of them')
  // ALL on one side is a base for the exceptions that the other side names.
  if (add.all || drop.all) return
  const [both] = capabilityNames(add.mask & drop.mask)
  if (both !== undefined) throw new BryoError('USAGE', `capability "${both}" cannot be dropped and added`)
}

function parseNames(flag: string, names: readonly string[]): NamedCapabilities {
  let all = false
  let mask = 0n
  for (const text of names) {
    const upper = text.toUpperCase()
    if (upper === 'ALL') {
      all = true
      continue
    }
    const number = capabilityNumber(upper.startsWith('CAP_') ? upper : `CAP_${upper}`)
    if (number === undefined) {
      throw new BryoError('USAGE', `invalid ${flag} "${text}": unknown capability`, {
        hint: 'capabilities(7) lists the names; ALL stands for every one',
      })
    }
    mask |= 1n << BigInt(number)
  }
  return { all, mask: all ? ALL_CAPABILITIES : mask }
}

/**
 * First half of putting a plan on this process, which is single-threaded and has every capability of its user namespace.
 * The caller keeps this order:
 *
 * 1. where no_new_privs stays off: install the seccomp filter, for that needs CAP_SYS_ADMIN;
 * 2. this function: the bounding set is cut while CAP_SETPCAP is there, and what is permitted is kept over the next step;
 * 3. setgroups, setresgid, setresuid to the workload's user;
 * 4. {@link applyAfterUserChange};
 * 5. where no_new_privs is on: set it, then install the seccomp filter;
 * 6. execve.
 */
export function applyBeforeUserChange(plan: CapabilityPlan): void {
  dropBoundingExcept(plan.bounding)
  setKeepCapabilities(true)
}

/** Second half, as the workload's user: exactly the planned sets. The change of the user has emptied the effective set. */
export function applyAfterUserChange(plan: CapabilityPlan): void {
  capset(plan)
  clearAmbientSet()
  for (const name of capabilityNames(plan.ambient)) raiseAmbient(CAPABILITY_NAMES.indexOf(name))
  setKeepCapabilities(false)
}

const MASK_BITS = 64

function dropBoundingExcept(bounding: CapabilityMask): void {
  for (let number = 0; number < MASK_BITS; number++) {
    if (hasCapability(bounding, number)) continue
    try {
      dropFromBoundingSet(number)
    } catch (error) {
      // The first number that this kernel does not know: newer ones than bryo can name are dropped as well.
      if (isErrno(error, 'EINVAL')) return
      throw error
    }
  }
}
