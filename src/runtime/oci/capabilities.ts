import { type CapabilityMask, type CapabilityPlan, capabilityNumber } from '../capabilities.ts'
import type { OciCapabilities } from './config/types.ts'

/** The sets of a configuration, as far as they can be given, and what could not. */
export interface GrantedCapabilities {
  readonly plan: CapabilityPlan
  readonly warnings: readonly string[]
}

/**
 * Capabilities that this program or the caller does not have are left out with a warning, as the specification asks. Pure.
 * @param available what the caller's user namespace gives
 */
export function grantCapabilities(wanted: OciCapabilities, available: CapabilityMask): GrantedCapabilities {
  const unknown = new Set<string>()
  const maskOf = (names: readonly string[]): CapabilityMask =>
    names.reduce((mask, name) => {
      const number = capabilityNumber(name)
      if (number === undefined) unknown.add(name)
      return number === undefined ? mask : mask | (1n << BigInt(number))
    }, 0n)
  const bounding = maskOf(wanted.bounding) & available
  const permitted = maskOf(wanted.permitted) & available
  const inheritable = maskOf(wanted.inheritable) & available
  const plan = {
    bounding,
    permitted,
    effective: maskOf(wanted.effective) & permitted,
    inheritable,
    ambient: maskOf(wanted.ambient) & permitted & inheritable,
  }
  const asked = maskOf(Object.values(wanted).flat())
  const missing = asked & ~available
  return {
    plan,
    warnings: [
      ...[...unknown].map((name) => `unknown capability "${name.slice(0, 64)}" is left out`),
      ...(missing === 0n
        ? []
        : [`capabilities that the caller lacks are left out (mask ${missing.toString(16)})`]),
    ],
  }
}
