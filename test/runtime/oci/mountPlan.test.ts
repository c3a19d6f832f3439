import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BryoError } from '../../../src/base/errors.ts'
import {
  KNOWN_MOUNT_OPTIONS,
  type MountSituation,
  type OciMountStep,
  planOciMounts,
} from '../../../src/runtime/oci/mountPlan.ts'
import { MOUNT_ATTR } from '../../../src/syscall/mount.ts'

const UNIFIED: MountSituation = {
  bundle: '/bundle',
  label: undefined,
  cgroups: { kind: 'v2', root: '/sys/fs/cgroup' },
}

function plan(mount: object, situation = UNIFIED): readonly OciMountStep[] {
  const whole = { destination: '/x', type: undefined, source: undefined, options: [], ...mount }
  return planOciMounts([whole], situation)
}

describe('planOciMounts()', () => {
  it('finds relative sources of bind mounts in the bundle', () => {
    expect(plan({ source: 'vol', options: ['bind'] })).toMatchObject([
      { source: { kind: 'bind', path: '/bundle/vol', recursive: false } },
    ])
    expect(plan({ type: 'none', source: '/a/../b', options: ['rbind'] })).toMatchObject([
      { source: { kind: 'bind', path: '/b', recursive: true } },
    ])
  })

  it('tells attributes of a mount from those of all mounts below it', () => {
    const [step] = plan({ source: '/a', options: ['rbind', 'ro', 'nosuid', 'rnodev', 'rro'] })
    expect(step?.attributes).toBe(MOUNT_ATTR.rdonly | MOUNT_ATTR.nosuid)
    expect(step?.recursiveAttributes).toBe(MOUNT_ATTR.nodev | MOUNT_ATTR.rdonly)
  })

  it('lets the last of two words count', () => {
    expect(plan({ source: '/a', options: ['bind', 'ro', 'rw'] })[0]?.attributes).toBe(0)
    expect(plan({ source: '/a', options: ['bind', 'noexec', 'exec', 'ro'] })[0]?.attributes).toBe(
      MOUNT_ATTR.rdonly,
    )
    expect(plan({ source: '/a', options: ['bind', 'private', 'rshared'] })[0]?.propagation).toEqual({
      type: 'shared',
      recursive: true,
    })
  })

  it('passes on what is an option of the filesystem', () => {
    const options = [
      'nosuid',
      'strictatime',
      'mode=755',
      'size=65536k',
      'newinstance',
      'context=a=b',
      'rprivate',
    ]
    expect(plan({ type: 'tmpfs', source: 'shm', options })[0]?.source).toEqual({
      kind: 'filesystem',
      fstype: 'tmpfs',
      source: 'shm',
      options: { mode: '755', size: '65536k', newinstance: '', context: 'a=b' },
    })
  })

  it('fills a new filesystem with what lies there, where tmpcopyup says so', () => {
    expect(plan({ type: 'tmpfs', options: ['tmpcopyup'] })[0]).toMatchObject({
      copyUp: true,
      source: { options: {} },
    })
  })

  it('leaves the options of an overlay as they are', () => {
    const options = ['lowerdir=/a:/b', 'upperdir=/u', 'workdir=/w', 'nodev']
    expect(plan({ type: 'overlay', options })[0]).toMatchObject({
      source: { kind: 'overlay', data: 'lowerdir=/a:/b,upperdir=/u,workdir=/w' },
      attributes: MOUNT_ATTR.nodev,
    })
  })

  it('shows control groups as the host has them', () => {
    expect(plan({ type: 'cgroup', options: ['ro'] })[0]).toMatchObject({
      source: { kind: 'cgroup2', hostRoot: '/sys/fs/cgroup' },
      attributes: MOUNT_ATTR.rdonly,
    })
    const ownGroups = [{ name: 'memory', path: '/sys/fs/cgroup/memory/me' }]
    const steps = plan(
      { type: 'cgroup', options: ['ro'] },
      { ...UNIFIED, cgroups: { kind: 'v1', ownGroups } },
    )
    expect(steps).toMatchObject([
      { target: '/x', source: { kind: 'filesystem', fstype: 'tmpfs' } },
      {
        target: '/x/memory',
        source: { kind: 'bind', path: '/sys/fs/cgroup/memory/me' },
        attributes: MOUNT_ATTR.rdonly,
      },
    ])
  })

  it('labels new filesystems only', () => {
    const labelled = { ...UNIFIED, label: 'a:b:c' }
    expect(plan({ type: 'tmpfs' }, labelled)[0]?.source).toMatchObject({ options: { context: 'a:b:c' } })
    expect(plan({ type: 'proc' }, labelled)[0]?.source).toMatchObject({ options: {} })
  })

  it('follows no link below /proc, /sys and /dev', () => {
    const strict = ['/proc', '/dev/shm', '/sys/fs/cgroup', '/process', '/etc/hosts'].map(
      (destination) => plan({ destination, type: 'tmpfs' })[0]?.strictTarget,
    )
    expect(strict).toEqual([true, true, true, false, false])
  })

  it.each([
    [{ source: '/a', options: ['bind', 'size=1'] }, 'option "size=1"'],
    [{ options: ['rbind'] }, 'a bind mount without a source'],
    [{}, 'no type'],
    [{ source: '/a', options: ['bind', 'idmap=uids=0-1-2'] }, 'is not supported'],
    [{ type: 'tmpfs', options: ['remount'] }, 'is not supported'],
  ])('refuses %j', (mount, message) => {
    expect(() => plan(mount)).toThrow(message)
  })

  it('answers any words with steps or an error for the user', () => {
    const word = fc.oneof(fc.constantFrom(...KNOWN_MOUNT_OPTIONS, '__proto__', 'constructor'), fc.string())
    const mount = fc.record({
      destination: fc.string().map((text) => `/${text}`),
      type: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      source: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      options: fc.array(word),
    })
    fc.assert(
      fc.property(mount, (given) => {
        try {
          for (const step of planOciMounts([given], UNIFIED))
            expect(step.attributes).toBeGreaterThanOrEqual(0)
        } catch (error) {
          if (!(error instanceof BryoError)) throw error
        }
      }),
    )
  })
})
