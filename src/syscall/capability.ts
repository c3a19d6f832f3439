import { check } from './error.ts'
import { bind } from './native.ts'

const c = {
  capset: bind('int capset(const void *header, const void *data)'),
  prctl: bind('int prctl(int option, size_t a, size_t b, size_t c, size_t d)'),
}

const VERSION_3 = 0x20080522
const PR_CAPBSET_DROP = 24
const PR_SET_KEEPCAPS = 8
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_RAISE = 2
const PR_CAP_AMBIENT_CLEAR_ALL = 4

/** The three sets as bit masks: bit n is capability number n. @see capabilities(7) */
export interface CapabilitySets {
  readonly effective: bigint
  readonly permitted: bigint
  readonly inheritable: bigint
}

export function capset(sets: CapabilitySets): void {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(VERSION_3, 0)
  const data = Buffer.alloc(24)
  const masks = [sets.effective, sets.permitted, sets.inheritable]
  masks.forEach((mask, index) => {
    data.writeUInt32LE(Number(mask & 0xffffffffn), index * 4)
    data.writeUInt32LE(Number(mask >> 32n), 12 + index * 4)
  })
  check('capset', c.capset(header, data))
}

/** Removes a capability from the bounding set for good. */
export function dropFromBoundingSet(capability: number): void {
  check('prctl', c.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), { option: 'PR_CAPBSET_DROP', capability })
}

/** Keeps the permitted set over a change of the user id. */
export function setKeepCapabilities(on: boolean): void {
  check('prctl', c.prctl(PR_SET_KEEPCAPS, on ? 1 : 0, 0, 0, 0), { option: 'PR_SET_KEEPCAPS' })
}

export function clearAmbientSet(): void {
  check('prctl', c.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), { option: 'PR_CAP_AMBIENT' })
}

export function raiseAmbient(capability: number): void {
  check('prctl', c.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), {
    option: 'PR_CAP_AMBIENT',
    capability,
  })
}
