import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../../src/base/errors.ts'
import { parseKernelVersion, parseSeccompProfile } from '../../../src/runtime/seccomp/profile.ts'

const parse = (profile: unknown) => parseSeccompProfile(JSON.stringify(profile), 'p.json')
const withRule = (rule: unknown) => parse({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] })

describe('parseSeccompProfile()', () => {
  it("reads bryo's own profile", () => {
    const text = readFileSync(new URL('../../../share/seccomp.json', import.meta.url), 'utf8')
    const profile = parseSeccompProfile(text, 'seccomp.json')
    expect(profile.defaultAction).toBe(0x00050000 + 38)
    expect(profile.archMap.map(({ architecture }) => architecture)).toEqual([
      'SCMP_ARCH_X86_64',
      'SCMP_ARCH_AARCH64',
    ])
  })

  it('reads a rule of Docker', () => {
    const profile = withRule({
      names: ['clone'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 38,
      args: [{ index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      comment: 'why',
      includes: { caps: ['CAP_SYS_ADMIN'], arches: ['amd64'], minKernel: '4.8' },
      excludes: {},
    })
    expect(profile.rules).toEqual([
      {
        names: ['clone'],
        action: 0x00050026,
        args: [{ index: 0, op: 7, datumA: 2114060288n, datumB: 0n }],
        includes: { caps: ['CAP_SYS_ADMIN'], arches: ['amd64'], minKernel: [4, 8], features: [] },
        excludes: { caps: [], arches: [], minKernel: undefined, features: [] },
      },
    ])
  })

  it('reads the null that Go writes for what is empty', () => {
    const rule = { names: ['read'], action: 'SCMP_ACT_ALLOW', args: null, includes: null, errnoRet: null }
    expect(withRule(rule).rules[0]).toMatchObject({ action: 0x7fff0000, args: [] })
  })

  it('reads the single name of old profiles', () => {
    expect(withRule({ name: 'read', action: 'SCMP_ACT_KILL' }).rules[0]).toMatchObject({
      names: ['read'],
      action: 0,
    })
  })

  it('reads errno names beside or instead of numbers, as Podman writes them', () => {
    const profile = parse({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, defaultErrno: 'ENOSYS' })
    expect(profile.defaultAction).toBe(0x00050026)
    expect(withRule({ names: [], action: 'SCMP_ACT_ERRNO', errno: 'EACCES' }).rules[0]?.action).toBe(
      0x0005000d,
    )
  })

  it('takes EPERM where no errno is given', () => {
    expect(parse({ defaultAction: 'SCMP_ACT_ERRNO' }).defaultAction).toBe(0x00050001)
  })

  it('reads the flags and architectures of an OCI configuration', () => {
    const flags = ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW']
    const profile = parse({ defaultAction: 'SCMP_ACT_KILL_PROCESS', flags, architectures: ['SCMP_ARCH_X86'] })
    expect(profile).toMatchObject({ defaultAction: 0x80000000, flags: 6, architectures: ['SCMP_ARCH_X86'] })
  })

  it.each([
    ['no action', {}, 'profile.defaultAction is missing, expected a string'],
    ['an unknown action', { defaultAction: 'ALLOW' }, 'profile.defaultAction is "ALLOW", expected one of'],
    ['a supervisor', { defaultAction: 'SCMP_ACT_NOTIFY' }, 'needs a supervisor'],
    [
      'rules that are no list',
      { defaultAction: 'SCMP_ACT_LOG', syscalls: {} },
      'syscalls is an object, expected an array',
    ],
    ['an unknown flag', { defaultAction: 'SCMP_ACT_LOG', flags: ['X'] }, 'flags is "X", expected one of'],
    ['a list', [], 'profile is an array, expected an object'],
  ])('refuses %s, naming the place', (_, profile, message) => {
    expect(() => parse(profile)).toThrow('cannot read seccomp profile "p.json": ')
    expect(() => parse(profile)).toThrow(message)
  })

  it.each([
    [{ names: ['a'], action: 'SCMP_ACT_ALLOW', incldes: {} }, 'syscalls[0] has the unknown key "incldes"'],
    [
      { names: ['a'], action: 'SCMP_ACT_ALLOW', includes: { cap: [] } },
      'syscalls[0].includes has the unknown key "cap"',
    ],
    [{ names: ['a'], name: 'a', action: 'SCMP_ACT_ALLOW' }, 'both name and names'],
    [{ action: 'SCMP_ACT_ALLOW' }, 'syscalls[0].names is missing'],
    [{ names: [1], action: 'SCMP_ACT_ALLOW' }, 'syscalls[0].names[0] is 1, expected a string'],
    [{ names: [], action: 'SCMP_ACT_ERRNO', errnoRet: 4096 }, 'syscalls[0].errnoRet is 4096'],
    [{ names: [], action: 'SCMP_ACT_ERRNO', errnoRet: -1 }, 'syscalls[0].errnoRet is -1'],
    [{ names: [], action: 'SCMP_ACT_ERRNO', errno: 'toString' }, 'expected a known name'],
    [
      { names: [], action: 'SCMP_ACT_ERRNO', errno: 'EPERM', errnoRet: 2 },
      'syscalls[0].errnoRet is 2, expected 1',
    ],
    [{ names: [], action: 'SCMP_ACT_LOG', args: [{ index: 6, op: 'SCMP_CMP_EQ' }] }, 'args[0].index is 6'],
    [{ names: [], action: 'SCMP_ACT_LOG', args: [{ index: 0, op: 'EQ' }] }, 'args[0].op is "EQ"'],
    [
      { names: [], action: 'SCMP_ACT_LOG', args: [{ value: 2 ** 64, op: 'SCMP_CMP_EQ' }] },
      'args[0].value is',
    ],
    [{ names: [], action: 'SCMP_ACT_LOG', includes: { minKernel: '4' } }, 'includes.minKernel is "4"'],
  ])('refuses the rule %j', (rule, message) => {
    expect(() => withRule(rule)).toThrow(message)
  })

  it('refuses text that is not JSON, or too long', () => {
    expect(() => parseSeccompProfile('{', 'p.json')).toThrow('cannot read seccomp profile "p.json": not JSON')
    expect(() => parseSeccompProfile(' '.repeat(2 ** 20 + 1), 'p.json')).toThrow('expected at most 1048576')
  })

  it('refuses text that is nested too deeply to be read', () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000)
    expect(() => parseSeccompProfile(deep, 'p.json')).toThrow('cannot read seccomp profile "p.json": ')
  })

  it('answers any JSON with a profile or a BryoError', () => {
    fc.assert(fc.property(fc.json(), (text) => onlyBryoErrors(() => parseSeccompProfile(text, 'p'))))
  })

  it('answers any near miss with a profile or a BryoError', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('SCMP_ACT_ERRNO', 'SCMP_CMP_EQ', 'EPERM', '4.8', '__proto__'),
    )
    const condition = fc.record(
      { caps: odd, arches: odd, minKernel: odd, features: odd },
      { requiredKeys: [] },
    )
    const arg = fc.record({ index: odd, value: odd, valueTwo: odd, op: odd }, { requiredKeys: [] })
    const rule = fc.record(
      {
        names: fc.oneof(odd, fc.array(fc.string())),
        action: odd,
        errnoRet: odd,
        errno: odd,
        args: fc.oneof(odd, fc.array(arg)),
        includes: fc.oneof(odd, condition),
        excludes: condition,
      },
      { requiredKeys: [] },
    )
    const profile = fc.record({
      defaultAction: odd,
      defaultErrnoRet: odd,
      archMap: odd,
      flags: odd,
      syscalls: fc.array(rule),
    })
    fc.assert(fc.property(profile, (value) => onlyBryoErrors(() => parse(value))))
  })
})

function onlyBryoErrors(act: () => unknown): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof BryoError)) throw error
  }
}

describe('parseKernelVersion()', () => {
  it.each([
    ['6.18.44-fc-v669', [6, 18]],
    ['4.8', [4, 8]],
    ['5.10.0+', [5, 10]],
    ['6', undefined],
    ['linux', undefined],
  ])('reads %s', (release, version) => {
    expect(parseKernelVersion(release)).toEqual(version)
  })
})
