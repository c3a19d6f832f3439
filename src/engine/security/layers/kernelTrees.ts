import { READONLY_PATHS, type SecuritySettings } from '../../../runtime/security.ts'
import type { SecurityFacts } from '../facts.ts'
import { judge, type Layer, listed } from '../layer.ts'
import { isMask, isReadOnly, mountAt, mountsBelow } from '../mountinfo.ts'
import { loosenedBy } from './privileges.ts'

/** Which of the default's paths this kernel has. */
export interface KernelPaths {
  readonly masked: readonly string[]
  readonly readOnly: readonly string[]
}

export function maskedPathsLayer(
  { mounts }: SecurityFacts,
  settings: SecuritySettings,
  { masked }: KernelPaths,
): Layer {
  const open = masked.filter((path) => {
    const mask = mountAt(mounts, path)
    return mask === undefined || !isMask(mask)
  })
  return judge('masked-paths', {
    holds: open.length === 0,
    detail: open.length === 0 ? `${masked.length} hidden` : `shown: ${listed(open)}`,
    by: loosenedBy(settings, 'masked-paths'),
  })
}

export function readOnlyPathsLayer(
  { mounts }: SecurityFacts,
  settings: SecuritySettings,
  { readOnly }: KernelPaths,
): Layer {
  const writable = readOnly.filter((path) => {
    const mount = mountAt(mounts, path)
    return mount === undefined || !isReadOnly(mount)
  })
  return judge('read-only-paths', {
    holds: writable.length === 0,
    detail: writable.length === 0 ? `${readOnly.length} of /proc` : `not read-only: ${listed(writable)}`,
    by: loosenedBy(settings, 'readonly-paths'),
  })
}

/** Read-only with every mount in it; masks aside, of which the null device is written by everybody. */
export function sysLayer({ mounts }: SecurityFacts): Layer {
  const own = mountsBelow(mounts, '/sys')
  const writable = own.filter((entry) => !isReadOnly(entry) && !isMask(entry)).map(({ point }) => point)
  const detail = own.length === 0 ? 'not mounted' : `read-only, ${own.length} mounts`
  return judge('sys', {
    holds: writable.length === 0,
    detail: writable.length === 0 ? detail : `not read-only: ${listed(writable)}`,
  })
}

/** Those of the default that exist, by a test for one path. */
export function kernelPaths(masked: readonly string[], exists: (path: string) => boolean): KernelPaths {
  return { masked: masked.filter(exists), readOnly: READONLY_PATHS.filter(exists) }
}
