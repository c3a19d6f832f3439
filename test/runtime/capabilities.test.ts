import { describe, expect, it } from 'vitest'
import {
  ALL_CAPABILITIES,
  CAPABILITY_NAMES,
  capabilityMask,
  capabilityNames,
  capabilityNumber,
  DEFAULT_CAPABILITIES,
  planCapabilities,
} from '../../src/runtime/capabilities.ts'

const NOTHING = { add: [], drop: [], privileged: false, isRoot: true }

describe('capability names', () => {
  it('have the numbers of the kernel', () => {
    expect(CAPABILITY_NAMES.length).toBe(41)
    expect(capabilityNumber('CAP_CHOWN')).toBe(0)
    expect(capabilityNumber('CAP_NET_BIND_SERVICE')).toBe(10)
    expect(capabilityNumber('CAP_SYS_ADMIN')).toBe(21)
    expect(capabilityNumber('CAP_SETFCAP')).toBe(31)
    expect(capabilityNumber('CAP_CHECKPOINT_RESTORE')).toBe(40)
    expect(capabilityNumber('SYS_ADMIN')).toBeUndefined()
  })

  it('become a mask and names again, in the order of their numbers', () => {
    const mask = capabilityMask(['CAP_SYS_ADMIN', 'CAP_CHOWN'])
    expect(mask).toBe((1n << 21n) | 1n)
    expect(capabilityNames(mask)).toEqual(['CAP_CHOWN', 'CAP_SYS_ADMIN'])
  })

  it('by default are the eleven of Podman', () => {
    expect(DEFAULT_CAPABILITIES).toBe(0x800405fbn)
    expect(capabilityNames(DEFAULT_CAPABILITIES)).toHaveLength(11)
  })
})

describe('planCapabilities()', () => {
  it('gives root the default set, with nothing inheritable or ambient', () => {
    expect(planCapabilities(NOTHING)).toEqual({
      bounding: DEFAULT_CAPABILITIES,
      effective: DEFAULT_CAPABILITIES,
      permitted: DEFAULT_CAPABILITIES,
      inheritable: 0n,
      ambient: 0n,
    })
  })

  it('gives another user the bounding set only', () => {
    expect(planCapabilities({ ...NOTHING, isRoot: false })).toEqual({
      bounding: DEFAULT_CAPABILITIES,
      effective: 0n,
      permitted: 0n,
      inheritable: 0n,
      ambient: 0n,
    })
  })

  it('gives another user what is added by name, in every set', () => {
    const plan = planCapabilities({ ...NOTHING, isRoot: false, add: ['net_raw'] })
    const netRaw = capabilityMask(['CAP_NET_RAW'])
    expect(plan).toEqual({
      bounding: DEFAULT_CAPABILITIES | netRaw,
      effective: netRaw,
      permitted: netRaw,
      inheritable: netRaw,
      ambient: netRaw,
    })
  })

  it.each([
    ['adds with the prefix', { add: ['CAP_SYS_PTRACE'] }, DEFAULT_CAPABILITIES | (1n << 19n)],
    ['adds without it, in any case', { add: ['Sys_Ptrace'] }, DEFAULT_CAPABILITIES | (1n << 19n)],
    ['drops', { drop: ['chown', 'CAP_KILL'] }, DEFAULT_CAPABILITIES & ~1n & ~(1n << 5n)],
    ['drops what is not there', { drop: ['SYS_ADMIN'] }, DEFAULT_CAPABILITIES],
    ['adds all', { add: ['ALL'] }, ALL_CAPABILITIES],
    ['adds all but one', { add: ['all'], drop: ['SYS_ADMIN'] }, ALL_CAPABILITIES & ~(1n << 21n)],
    ['drops all', { drop: ['all'] }, 0n],
    ['drops all but one', { drop: ['ALL'], add: ['CHOWN'] }, 1n],
    ['gives all when privileged', { privileged: true }, ALL_CAPABILITIES],
  ])('%s', (_, request, bounding) => {
    expect(planCapabilities({ ...NOTHING, ...request }).bounding).toBe(bounding)
  })

  it('gives nothing that the user namespace does not have', () => {
    const available = capabilityMask(['CAP_CHOWN', 'CAP_SYS_ADMIN'])
    expect(planCapabilities({ ...NOTHING, privileged: true, available }).bounding).toBe(available)
    expect(planCapabilities({ ...NOTHING, isRoot: false, add: ['ALL'], available }).ambient).toBe(available)
  })

  it.each([
    ['an unknown name', { add: ['CAP_NOPE'] }, 'invalid --cap-add "CAP_NOPE": unknown capability'],
    ['an unknown name to drop', { drop: [''] }, 'invalid --cap-drop "": unknown capability'],
    ['a double prefix', { add: ['CAP_CAP_CHOWN'] }, 'invalid --cap-add "CAP_CAP_CHOWN": unknown capability'],
    [
      'one name on both sides',
      { add: ['chown'], drop: ['CAP_CHOWN'] },
      'capability "CAP_CHOWN" cannot be dropped and added',
    ],
    [
      'all on both sides',
      { add: ['ALL'], drop: ['all'] },
      'cannot add all capabilities and drop all of them',
    ],
  ])('refuses %s', (_, request, message) => {
    expect(() => planCapabilities({ ...NOTHING, ...request })).toThrow(message)
  })
})
