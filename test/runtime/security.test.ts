import { describe, expect, it } from 'vitest'
import {
  MASKED_PATHS,
  READONLY_PATHS,
  resolveSecurity,
  thermalThrottlePaths,
} from '../../src/runtime/security.ts'

const resolve = (...options: string[]) =>
  resolveSecurity({ options, privileged: false, maskedPaths: MASKED_PATHS })

describe('resolveSecurity()', () => {
  it('has every layer on where nothing is asked', () => {
    expect(resolve()).toEqual({
      noNewPrivileges: true,
      seccomp: { kind: 'default' },
      nestedUserns: false,
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
      procOptions: [],
      apparmor: undefined,
      selinux: { kind: 'labelled', nested: false, parts: {} },
      landlock: true,
      loosened: [],
    })
  })

  it.each([
    ['no-new-privileges', { noNewPrivileges: true }, []],
    ['no-new-privileges=false', { noNewPrivileges: false }, ['no-new-privileges']],
    ['no-new-privileges:false', { noNewPrivileges: false }, ['no-new-privileges']],
    ['seccomp=unconfined', { seccomp: { kind: 'unconfined' } }, ['seccomp']],
    ['seccomp=/a=b.json', { seccomp: { kind: 'file', path: '/a=b.json' } }, ['seccomp']],
    ['seccomp=default', { seccomp: { kind: 'default' } }, []],
    ['nested-userns', { nestedUserns: true }, ['nested-userns']],
    ['nested-userns=false', { nestedUserns: false }, []],
    ['apparmor=web', { apparmor: 'web' }, []],
    ['apparmor:unconfined', { apparmor: 'unconfined' }, ['apparmor']],
    ['landlock=off', { landlock: false }, ['landlock']],
    ['landlock=on', { landlock: true }, []],
    ['label=disable', { selinux: { kind: 'disabled' } }, ['selinux']],
    ['label:type:spc_t', { selinux: { kind: 'labelled', nested: false, parts: { type: 'spc_t' } } }, []],
    [
      'label=level:s0:c1,c2',
      { selinux: { kind: 'labelled', nested: false, parts: { level: 's0:c1,c2' } } },
      [],
    ],
    ['label=nested', { selinux: { kind: 'labelled', nested: true, parts: {} } }, []],
    ['proc-opts=hidepid=2,subset=pid', { procOptions: ['hidepid=2', 'subset=pid'] }, []],
    ['mask=/proc/uptime:/sys/power/', { maskedPaths: [...MASKED_PATHS, '/proc/uptime', '/sys/power'] }, []],
    ['unmask=ALL', { maskedPaths: [], readonlyPaths: [] }, ['masked-paths', 'readonly-paths']],
    ['systempaths=unconfined', { maskedPaths: [], readonlyPaths: [] }, ['masked-paths', 'readonly-paths']],
    [
      'unmask=/proc/kcore',
      { maskedPaths: MASKED_PATHS.filter((p) => p !== '/proc/kcore') },
      ['masked-paths'],
    ],
    [
      'unmask=/proc/sys:/nothing',
      { readonlyPaths: READONLY_PATHS.filter((p) => p !== '/proc/sys') },
      ['readonly-paths'],
    ],
    [
      'unmask=/proc/*',
      { maskedPaths: MASKED_PATHS.filter((p) => p.startsWith('/sys')), readonlyPaths: [] },
      ['masked-paths', 'readonly-paths'],
    ],
    [
      'unmask=/proc/[!k]cpi',
      { maskedPaths: MASKED_PATHS.filter((p) => p !== '/proc/acpi') },
      ['masked-paths'],
    ],
    [
      'unmask=/proc/timer_?ist',
      { maskedPaths: MASKED_PATHS.filter((p) => p !== '/proc/timer_list') },
      ['masked-paths'],
    ],
    ['unmask=/sys/*', { maskedPaths: MASKED_PATHS.filter((p) => p !== '/sys/firmware') }, ['masked-paths']],
    ['unmask=/etc', {}, []],
  ])('reads %s', (option, settings, layers) => {
    const resolved = resolve(option)
    expect(resolved).toMatchObject(settings)
    expect(resolved.loosened).toEqual(layers.map((layer) => ({ layer, by: `--security-opt ${option}` })))
  })

  it('lets the last of several options count', () => {
    const resolved = resolve(
      'seccomp=unconfined',
      'seccomp=default',
      'no-new-privileges=false',
      'no-new-privileges',
    )
    expect(resolved).toMatchObject({ seccomp: { kind: 'default' }, noNewPrivileges: true, loosened: [] })
  })

  it('keeps a mask that is asked for by name', () => {
    expect(resolve('mask=/proc/kcore', 'unmask=ALL').maskedPaths).toEqual(['/proc/kcore'])
  })

  it('says that --privileged loosened the layers that it does, no_new_privs not being one', () => {
    const resolved = resolveSecurity({ options: [], privileged: true })
    expect(resolved).toMatchObject({
      noNewPrivileges: true,
      seccomp: { kind: 'unconfined' },
      nestedUserns: true,
      maskedPaths: [],
      readonlyPaths: [],
    })
    expect(resolved.loosened.every(({ by }) => by === '--privileged')).toBe(true)
    expect(resolved.loosened.map(({ layer }) => layer)).toEqual([
      'seccomp',
      'nested-userns',
      'masked-paths',
      'readonly-paths',
    ])
  })

  it('lets an option win over --privileged', () => {
    const resolved = resolveSecurity({ options: ['seccomp=/own.json'], privileged: true })
    expect(resolved.seccomp).toEqual({ kind: 'file', path: '/own.json' })
  })

  it.each([
    '',
    'seccomp',
    'seccomp=',
    'secomp=unconfined',
    'no-new-privileges=maybe',
    'nested-userns=2',
    'apparmor=',
    'label=',
    'label=off',
    'label=type:',
    'label=owner:me',
    'mask=',
    'mask=relative',
    'mask=/a::/b',
    'mask=/proc/../etc',
    'unmask=',
    'unmask=none',
    'systempaths=all',
    'proc-opts=rw',
    'proc-opts=hidepid=9',
    'proc-opts=subset=pid,',
  ])('refuses "%s"', (option) => {
    expect(() => resolve(option)).toThrow(`invalid --security-opt "${option}", expected `)
  })
})

describe('default paths', () => {
  it('hide what security.md names', () => {
    const names = 'acpi asound kcore keys latency_stats timer_list timer_stats sched_debug scsi interrupts'
    const sys = ['/sys/firmware', '/sys/fs/selinux', '/sys/devices/virtual/powercap']
    const expected = [...names.split(' ').map((name) => `/proc/${name}`), ...sys]
    expect([...MASKED_PATHS].sort()).toEqual(expected.sort())
    expect([...READONLY_PATHS].sort()).toEqual(
      ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`),
    )
  })
})

describe('thermalThrottlePaths()', () => {
  it.each([
    ['0-1,4\n', [0, 1, 4]],
    ['7', [7]],
    ['', []],
    ['3-1,nonsense', []],
  ])('reads "%s"', (possible, cpus) => {
    expect(thermalThrottlePaths(possible)).toEqual(
      cpus.map((cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`),
    )
  })

  it('is bounded', () => {
    expect(thermalThrottlePaths('0-99999')).toHaveLength(8192)
  })
})
