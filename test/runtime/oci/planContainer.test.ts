import { describe, expect, it } from 'vitest'
import { grantCapabilities } from '../../../src/runtime/oci/capabilities.ts'
import { parseConfig } from '../../../src/runtime/oci/config/parse.ts'
import { type OciSituation, planContainer } from '../../../src/runtime/oci/planContainer.ts'

const NOTHING = { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n }
const SITUATION: OciSituation = {
  id: 'box',
  bundle: '/bundle',
  uid: 1000,
  isHostRoot: false,
  cgroups: { kind: 'v1', ownGroups: [] },
  security: { apparmor: false, selinux: false },
  staging: '/state/staging',
  capabilities: NOTHING,
  seccomp: undefined,
  preservedFds: 0,
  debug: false,
}
const IDS = [{ containerID: 0, hostID: 1000, size: 1 }]
const OWN_USER = { namespaces: [{ type: 'mount' }, { type: 'user' }], uidMappings: IDS, gidMappings: IDS }

function plan(
  changes: { linux?: object; process?: object; top?: object },
  situation: Partial<OciSituation> = {},
) {
  const config = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    process: { args: ['sh'], cwd: '/', ...changes.process },
    linux: { ...OWN_USER, ...changes.linux },
    ...changes.top,
  }
  return planContainer(parseConfig(JSON.stringify(config), 'config.json'), { ...SITUATION, ...situation })
}

describe('planContainer()', () => {
  it('takes the root from the bundle', () => {
    expect(plan({}).root).toEqual({ path: '/bundle/rootfs', readonly: false })
    expect(plan({ top: { root: { path: '/r', readonly: true } } }).root).toEqual({
      path: '/r',
      readonly: true,
    })
  })

  it('makes namespaces without a path and joins the others', () => {
    const namespaces = [
      { type: 'mount' },
      { type: 'user', path: '/u' },
      { type: 'network', path: '/n' },
      { type: 'ipc' },
    ]
    const { namespaces: planned, maps } = plan({ linux: { namespaces, uidMappings: [], gidMappings: [] } })
    expect(planned.create).toEqual(['mount', 'ipc'])
    expect(planned.join).toEqual([
      { type: 'user', path: '/u' },
      { type: 'network', path: '/n' },
    ])
    expect(maps).toBeUndefined()
  })

  it('leaves a /dev of the host as it is', () => {
    const bind = { destination: '/dev/', source: '/dev', options: ['rbind'] }
    expect(plan({ top: { mounts: [bind] } }).furnishDevices).toBe(false)
    expect(plan({ top: { mounts: [{ destination: '/dev', type: 'tmpfs' }] } }).furnishDevices).toBe(true)
  })

  const withoutUser = { namespaces: [{ type: 'mount' }], uidMappings: [], gidMappings: [] }

  it('does without a user namespace only where the caller is root of one', () => {
    expect(plan({ linux: withoutUser }, { uid: 0 }).maps).toBeUndefined()
    expect(() => plan({ linux: withoutUser }, { uid: 0, isHostRoot: true })).toThrow(
      'as the root of this host',
    )
    expect(() => plan({ linux: withoutUser })).toThrow('as user 1000')
  })

  it.each([
    [{ linux: { namespaces: [{ type: 'user' }] } }, 'no new mount namespace'],
    [{ linux: { namespaces: [{ type: 'user' }, { type: 'mount', path: '/m' }] } }, 'no new mount namespace'],
    [{ linux: { uidMappings: [] } }, 'a user namespace without linux.uidMappings'],
    [{ linux: { namespaces: [{ type: 'mount' }] } }, 'linux.uidMappings without a user namespace'],
    [{ linux: { timeOffsets: { boottime: { secs: 1 } } } }, 'a new time namespace'],
    [{ top: { hostname: 'x' } }, 'a uts namespace'],
    [{ linux: { sysctl: { 'kernel.panic': '1' } } }, 'belongs to a namespace'],
    [{ linux: { sysctl: { 'net.core.somaxconn': '1' } } }, 'a network namespace of the container'],
    [{ linux: { sysctl: { 'net/../kernel/panic': '1' } } }, 'cannot set sysctl'],
    [{ process: { apparmorProfile: 'p' } }, 'AppArmor is off'],
    [{ process: { selinuxLabel: 'l' } }, 'SELinux is off'],
  ])('refuses %j', (changes, message) => {
    expect(() => plan(changes)).toThrow(message)
  })

  it('takes sysctls of namespaces that the container has', () => {
    const namespaces = [...OWN_USER.namespaces, { type: 'ipc' }, { type: 'network', path: '/n' }]
    const sysctl = { 'kernel.msgmax': '1', 'fs.mqueue.msg_max': '2', 'net/ipv4/ip_forward': '1' }
    expect(plan({ linux: { namespaces, sysctl } }).sysctl).toEqual(sysctl)
  })
})

describe('grantCapabilities()', () => {
  const wanted = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] }

  it('leaves out what is unknown or not there, with a warning', () => {
    const names = ['CAP_CHOWN', 'CAP_KILL', 'CAP_FLY']
    const { plan: granted, warnings } = grantCapabilities({ ...wanted, bounding: names }, 1n)
    expect(granted.bounding).toBe(1n)
    expect(warnings).toEqual([
      'unknown capability "CAP_FLY" is left out',
      'capabilities that the caller lacks are left out (mask 20)',
    ])
  })

  it('gives nothing that the kernel would refuse', () => {
    const [chown, kill] = ['CAP_CHOWN', 'CAP_KILL']
    const sets = {
      ...wanted,
      permitted: [chown],
      effective: [chown, kill],
      inheritable: [kill],
      ambient: [chown, kill],
    }
    expect(grantCapabilities(sets, 0xffn).plan).toEqual({
      bounding: 0n,
      permitted: 1n,
      effective: 1n,
      inheritable: 32n,
      ambient: 0n,
    })
  })
})
