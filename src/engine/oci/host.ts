import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unlessErrno } from '../../base/errors.ts'
import { CGROUP_ROOT, isUnified } from '../../cgroup/hierarchy.ts'
import { ALL_CAPABILITIES, type CapabilityMask } from '../../runtime/capabilities.ts'
import type { HostCgroups } from '../../runtime/oci/mountPlan.ts'
import type { HostSecurity } from '../../runtime/oci/planContainer.ts'
import { isNested, readIdMaps } from '../../userns/nested.ts'

/** The caller is root of the whole host, not of a user namespace. */
export function isHostRoot(uid: number): boolean {
  return uid === 0 && !isNested(readIdMaps('self'))
}

/**
 * What can be given to a container: all there is in a user namespace of its own, else what the caller has and may pass on.
 * @see proc_pid_status(5)
 */
export function availableCapabilities(ownUserNamespace: boolean): CapabilityMask {
  if (ownUserNamespace) return ALL_CAPABILITIES
  const status = readFileSync('/proc/self/status', 'latin1')
  const mask = (name: string) =>
    BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`)
  return mask('CapPrm') & mask('CapBnd')
}

export function readHostSecurity(): HostSecurity {
  return {
    apparmor: readIfThere('/sys/module/apparmor/parameters/enabled').startsWith('Y'),
    selinux: existsSync('/sys/fs/selinux/enforce'),
  }
}

function readIfThere(path: string): string {
  return unlessErrno(() => readFileSync(path, 'latin1'), 'ENOENT', 'EACCES') ?? ''
}

/** Where this process is in the control groups of the host. @see cgroups(7) /proc/PID/cgroup */
export function readHostCgroups(): HostCgroups {
  if (isUnified()) return { kind: 'v2', root: CGROUP_ROOT }
  const own = readIfThere('/proc/self/cgroup')
    .split('\n')
    .flatMap((line) => {
      const [, names = '', path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
      return path === undefined ? [] : [{ names, path }]
    })
  const groups = own.map(({ names, path }) => {
    const name = names === '' ? 'unified' : names.replace(/^name=/, '')
    return { name, path: join(CGROUP_ROOT, name, path) }
  })
  return { kind: 'v1', ownGroups: groups.filter(({ path }) => existsSync(path)) }
}
