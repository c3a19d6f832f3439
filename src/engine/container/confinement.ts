import { existsSync, readFileSync } from 'node:fs'
import { BryoError, unlessErrno } from '../../base/errors.ts'
import type { SecuritySettings } from '../../runtime/security.ts'
import { parseContexts, selinuxLabels } from '../../runtime/selinux.ts'

/** What the host's security modules are to do with a container; nothing on a host without them, or where nothing was asked for. */
export interface Confinement {
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly mountLabel?: string
}

type Asked = Pick<SecuritySettings, 'apparmor' | 'selinux'>

/** @param id of the container @throws BryoError UNSUPPORTED for a profile on a host without AppArmor */
export function planConfinement({ apparmor, selinux }: Asked, id: string): Confinement {
  if (apparmor !== undefined && apparmor !== 'unconfined') {
    requireAppArmor(apparmor)
    return { apparmorProfile: apparmor }
  }
  // The usual case looks at no file.
  if (selinux.kind === 'disabled' || Object.keys(selinux.parts).length === 0 || !hasSelinux()) return {}
  const labels = selinuxLabels(selinux, parseContexts(readIfPresent(contextsFile())), id)
  return labels ? { selinuxLabel: labels.process, mountLabel: labels.mount } : {}
}

/** @throws BryoError UNSUPPORTED */
export function requireAppArmor(profile: string): void {
  if (readIfPresent('/sys/module/apparmor/parameters/enabled').startsWith('Y')) return
  throw new BryoError('UNSUPPORTED', `cannot use AppArmor profile "${profile}": this host has no AppArmor`, {
    hint: 'leave the option out: there is nothing that a profile could be loaded into',
  })
}

function hasSelinux(): boolean {
  return existsSync('/sys/fs/selinux/enforce')
}

/** @see selinux_config(5), lxc_contexts(5) */
function contextsFile(): string {
  const policy = /^SELINUXTYPE=(\w+)/m.exec(readIfPresent('/etc/selinux/config'))?.[1] ?? 'targeted'
  return `/etc/selinux/${policy}/contexts/lxc_contexts`
}

function readIfPresent(path: string): string {
  return unlessErrno(() => readFileSync(path, 'utf8'), 'ENOENT', 'ENOTDIR', 'EACCES') ?? ''
}
