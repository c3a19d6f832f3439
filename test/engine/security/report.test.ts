import { describe, expect, it } from 'vitest'
import type { MountEntry, SecurityFacts } from '../../../src/engine/security/facts.ts'
import { type Layer, securityExitCode } from '../../../src/engine/security/layer.ts'
import { kernelPaths, maskedPathsLayer } from '../../../src/engine/security/layers/kernelTrees.ts'
import { parseMountinfo } from '../../../src/engine/security/mountinfo.ts'
import { reportLayers } from '../../../src/engine/security/report.ts'
import { DEFAULT_CAPABILITIES } from '../../../src/runtime/capabilities.ts'
import { hostMaskedPaths, READONLY_PATHS, resolveSecurity } from '../../../src/runtime/security.ts'
import { EMPTY_REQUEST } from '../../support/request.ts'

const mount = (point: string, fstype: string, options: readonly string[], root = '/'): MountEntry => ({
  id: 1,
  root,
  point,
  fstype,
  options,
})

const map = [{ containerId: 0, hostId: 1000, size: 1 }]
/** A container as it is by default. */
const DEFAULT: SecurityFacts = {
  maps: { uid: map, gid: map },
  sharedNamespaces: [],
  ownedNamespaces: ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'],
  uid: 0,
  noNewPrivileges: true,
  capabilities: {
    inheritable: 0n,
    effective: DEFAULT_CAPABILITIES,
    bounding: DEFAULT_CAPABILITIES,
    ambient: 0n,
  },
  seccompFilters: 1,
  maxUserNamespaces: 0,
  mounts: [
    mount('/dev', 'tmpfs', ['rw', 'nosuid']),
    mount('/sys', 'sysfs', ['ro']),
    ...READONLY_PATHS.map((path) => mount(path, 'proc', ['ro'])),
    ...hostMaskedPaths().map((path) => mount(path, 'tmpfs', ['ro'])),
  ],
  processLimit: 2048,
  foreignFiles: [],
  hostVariables: [],
  leadsSession: true,
  sharesTerminal: false,
  label: undefined,
}

function states(layers: readonly Layer[], state: Layer['state']): readonly string[] {
  return layers.filter((layer) => layer.state === state).map(({ name }) => name)
}

const report = (facts: Partial<SecurityFacts>, request: Partial<typeof EMPTY_REQUEST> = {}) =>
  reportLayers({ ...DEFAULT, ...facts }, { ...EMPTY_REQUEST, ...request })

describe('reportLayers()', () => {
  it('finds every layer of a default container on', () => {
    const layers = report({})
    expect(states(layers, 'missing')).toEqual([])
    expect(states(layers, 'loosened')).toEqual([])
    expect(securityExitCode(layers)).toBe(0)
  })

  it.each<readonly [facts: Partial<SecurityFacts>, layer: string]>([
    [{ maps: { uid: [{ containerId: 0, hostId: 0, size: 1 }], gid: map } }, 'identity'],
    [{ sharedNamespaces: ['uts'] }, 'namespaces'],
    [{ noNewPrivileges: false }, 'no-new-privileges'],
    [
      { capabilities: { ...DEFAULT.capabilities, bounding: DEFAULT_CAPABILITIES | (1n << 21n) } },
      'capabilities',
    ],
    [{ capabilities: { ...DEFAULT.capabilities, inheritable: 1n << 21n } }, 'capabilities'],
    [{ uid: 1000 }, 'capabilities'],
    [{ seccompFilters: 0 }, 'seccomp'],
    [{ maxUserNamespaces: 100 }, 'nested-userns'],
    [{ mounts: DEFAULT.mounts.filter(({ point }) => point !== '/proc/sys') }, 'read-only-paths'],
    [{ mounts: [...DEFAULT.mounts, mount('/sys/fs/cgroup', 'cgroup2', ['rw'])] }, 'sys'],
    [{ mounts: [...DEFAULT.mounts, mount('/dev/sda', 'devtmpfs', ['rw'], '/sda')] }, 'devices'],
    [{ mounts: [...DEFAULT.mounts, mount('/dev', 'ext4', ['rw'])] }, 'devices'],
    [{ foreignFiles: ['7 (/)'] }, 'file-descriptors'],
    [{ hostVariables: ['TOKEN'] }, 'environment'],
    [{ sharedNamespaces: ['net'] }, 'network'],
    [{ sharedNamespaces: ['ipc'] }, 'shared-memory'],
    [{ processLimit: Number.POSITIVE_INFINITY }, 'processes'],
    [{ sharesTerminal: true }, 'terminal'],
    [{ leadsSession: false }, 'terminal'],
  ])('calls a layer missing that no option has loosened: %#', (facts, layer) => {
    const layers = report(facts)
    expect(states(layers, 'missing')).toContain(layer)
    expect(securityExitCode(layers)).toBe(1)
  })

  it('does not take an option for the cause of something else', () => {
    const bounding = DEFAULT_CAPABILITIES | (1n << 21n)
    const layers = report(
      { capabilities: { ...DEFAULT.capabilities, bounding }, sharedNamespaces: ['uts', 'ipc'] },
      { capAdd: ['NET_RAW'], ipc: 'host' },
    )
    expect(states(layers, 'missing')).toEqual(['namespaces', 'capabilities'])
  })

  it('names what is shared with others, and the user namespace that comes with it', () => {
    const layers = report({}, { pid: 'container:web', ipc: 'ns:/ipc', network: ['container:web'] })
    expect(states(layers, 'missing')).toEqual([])
    const of = (name: string) => layers.find((layer) => layer.name === name)
    expect(of('namespaces')).toMatchObject({
      state: 'loosened',
      detail: 'shared with others: user, pid, ipc',
      by: ['--network container:web', '--pid container:web', '--ipc ns:/ipc'],
    })
    expect(of('processes')).toMatchObject({ state: 'loosened', by: ['--pid container:web'] })
    expect(of('shared-memory')).toMatchObject({ state: 'loosened', by: ['--ipc ns:/ipc'] })
    expect(of('network')).toMatchObject({ state: 'loosened', detail: 'that of container:web' })
  })

  it("names the host's processes where they are shared, and the limit that was asked for", () => {
    const layers = report({ sharedNamespaces: ['pid'], processLimit: 5000 }, { pid: 'host', pidsLimit: 5000 })
    expect(states(layers, 'missing')).toEqual([])
    expect(layers.find(({ name }) => name === 'namespaces')).toMatchObject({ by: ['--pid host'] })
    expect(layers.find(({ name }) => name === 'processes')).toMatchObject({
      state: 'loosened',
      detail: "at most 5000, beside the host's",
      by: ['--pid host', '--pids-limit 5000'],
    })
    expect(states(report({ sharedNamespaces: ['pid'] }), 'missing')).toEqual(['namespaces', 'processes'])
  })

  it('calls the user namespace its own where what is shared belongs to another', () => {
    const layers = report({ ownedNamespaces: ['mnt', 'pid'] }, { network: ['ns:/run/netns/a'] })
    expect(states(layers, 'loosened')).toEqual(['network'])
  })

  it('calls nested user namespaces loosened by what brings the user namespace of another', () => {
    const layers = report({ maxUserNamespaces: 100 }, { pid: 'container:web' })
    expect(states(layers, 'loosened')).toEqual(['namespaces', 'nested-userns', 'processes'])
  })

  it('knows what a variable by name, a label and a profile of the user mean', () => {
    expect(states(report({ hostVariables: ['A'] }, { env: ['A=1'] }), 'missing')).toEqual([])
    expect(states(report({ label: 'profile (enforce)' }), 'unavailable')).toEqual([])
    expect(states(report({}, { securityOpt: ['seccomp=/profile.json'] }), 'loosened')).toEqual(['seccomp'])
  })
})

describe('maskedPathsLayer()', () => {
  const paths = kernelPaths(['/proc/keys', '/proc/scsi'], (path) => path !== '/proc/scsi')
  const settings = resolveSecurity({ options: [], privileged: false })
  const judge = (...mounts: readonly MountEntry[]) =>
    maskedPathsLayer({ ...DEFAULT, mounts }, settings, paths).state

  it('takes the null device and an empty directory for masks, and nothing else', () => {
    expect(judge(mount('/proc/keys', 'devtmpfs', ['rw'], '/null'))).toBe('on')
    expect(judge(mount('/proc/keys', 'tmpfs', ['ro']))).toBe('on')
    expect(judge(mount('/proc/keys', 'tmpfs', ['rw']))).toBe('missing')
    expect(judge(mount('/proc/keys', 'ext4', ['ro'], '/file'))).toBe('missing')
    expect(judge()).toBe('missing')
  })

  it('looks at the uppermost mount', () => {
    expect(judge(mount('/proc/keys', 'tmpfs', ['ro']), mount('/proc/keys', 'ext4', ['rw']))).toBe('missing')
  })
})

describe('parseMountinfo()', () => {
  it('reads names with blanks, and leaves out what is no mount', () => {
    const line = '97 152 0:6 /a\\040b /c\\134d rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard'
    expect(parseMountinfo(`${line}\nnot a mount\n`)).toEqual([
      { id: 97, root: '/a b', point: '/c\\d', fstype: 'ext4', options: ['rw', 'relatime'] },
    ])
  })
})
