import { describe, expect, it } from 'vitest'
import { capabilityMask } from '../../../src/runtime/capabilities.ts'
import { parseSeccompProfile } from '../../../src/runtime/seccomp/profile.ts'
import { type SeccompSituation, selectRules } from '../../../src/runtime/seccomp/select.ts'

const SITUATION: SeccompSituation = {
  capabilities: capabilityMask(['CAP_SYS_ADMIN', 'CAP_CHOWN']),
  arch: 'amd64',
  kernel: [5, 10],
  features: [],
}

function select(rule: object, situation: Partial<SeccompSituation> = {}, profile: object = {}) {
  const syscalls = [{ names: ['a', 'b'], action: 'SCMP_ACT_ALLOW', ...rule }]
  const text = JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls, ...profile })
  return selectRules(parseSeccompProfile(text, 'p'), { ...SITUATION, ...situation })
}

const counts = (rule: object, situation: Partial<SeccompSituation> = {}) =>
  select(rule, situation).rules.length > 0

describe('selectRules()', () => {
  it.each([
    [{}, true],
    [{ includes: { caps: ['CAP_SYS_ADMIN'] } }, true],
    [{ includes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] } }, false],
    [{ includes: { caps: ['CAP_OF_TOMORROW'] } }, false],
    [{ excludes: { caps: ['CAP_BPF', 'CAP_SYS_ADMIN'] } }, false],
    [{ excludes: { caps: ['CAP_BPF', 'CAP_OF_TOMORROW'] } }, true],
    [{ includes: { arches: ['s390x', 'amd64'] } }, true],
    [{ includes: { arches: ['arm64'] } }, false],
    [{ excludes: { arches: ['amd64'] } }, false],
    [{ includes: { minKernel: '5.10' } }, true],
    [{ includes: { minKernel: '4.19' } }, true],
    [{ includes: { minKernel: '5.11' } }, false],
    [{ includes: { minKernel: '6.0' } }, false],
    [{ excludes: { minKernel: '4.8' } }, false],
    [{ includes: { features: ['nested-userns'] } }, false],
    [{ includes: { caps: ['CAP_SYS_ADMIN'], arches: ['arm64'] } }, false],
  ])('weighs %j', (rule, expected) => {
    expect(counts(rule)).toBe(expected)
  })

  it('weighs features', () => {
    const features = ['nested-userns'] as const
    expect(counts({ includes: { features: ['nested-userns'] } }, { features })).toBe(true)
    expect(counts({ excludes: { features: ['nested-userns'] } }, { features })).toBe(false)
    expect(counts({ includes: { features: ['nested-userns', 'other'] } }, { features })).toBe(false)
  })

  it('gives a rule for each name', () => {
    expect(select({}).rules).toEqual([
      { name: 'a', action: 0x7fff0000, args: [] },
      { name: 'b', action: 0x7fff0000, args: [] },
    ])
  })

  it('reads comparisons of one argument as alternatives, and of several as all', () => {
    const [one, two] = [
      { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
      { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
    ]
    const other = { index: 1, value: 1, op: 'SCMP_CMP_EQ' }
    expect(select({ names: ['a'], args: [one, two] }).rules.map((rule) => rule.args.length)).toEqual([1, 1])
    expect(select({ names: ['a'], args: [one, other] }).rules.map((rule) => rule.args.length)).toEqual([2])
  })

  it('takes the architectures of the family of the host', () => {
    const archMap = [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
    ]
    expect(select({}, {}, { archMap }).architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'])
    expect(select({}, { arch: 'arm64' }, { archMap }).architectures).toEqual([
      'SCMP_ARCH_AARCH64',
      'SCMP_ARCH_ARM',
    ])
    expect(select({}).architectures).toEqual(['SCMP_ARCH_X86_64'])
  })
})
