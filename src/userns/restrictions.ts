import { existsSync, readFileSync } from 'node:fs'
import { unlessErrno } from '../base/errors.ts'

/** What of this host stands against user namespaces of unprivileged users; undefined where the kernel has no such switch. */
export interface Restrictions {
  /** False where the kernel was built without user namespaces. */
  readonly supported: boolean
  /** user.max_user_namespaces of this namespace. */
  readonly maxUserNamespaces: number | undefined
  /** kernel.unprivileged_userns_clone (Debian, Arch): 0 forbids. */
  readonly unprivilegedClone: number | undefined
  /** kernel.apparmor_restrict_unprivileged_userns (Ubuntu): 1 takes every capability away inside. */
  readonly apparmorRestrict: number | undefined
  /** A seccomp filter is on this process: bryo runs inside of a container or sandbox. */
  readonly seccompFilter: boolean
  readonly chrooted: boolean
}

export function readRestrictions(): Restrictions {
  return {
    supported: existsSync('/proc/self/ns/user'),
    maxUserNamespaces: readSysctl('user/max_user_namespaces'),
    unprivilegedClone: readSysctl('kernel/unprivileged_userns_clone'),
    apparmorRestrict: readSysctl('kernel/apparmor_restrict_unprivileged_userns'),
    seccompFilter: /^Seccomp:\s*2$/m.test(readFileSync('/proc/self/status', 'utf8')),
    chrooted: isChrooted(readFileSync('/proc/self/mountinfo', 'utf8')),
  }
}

/** @param path below /proc/sys */
function readSysctl(path: string): number | undefined {
  return unlessErrno(() => Number(readFileSync(`/proc/sys/${path}`, 'utf8')), 'ENOENT', 'EACCES')
}

/** The mounts that are visible have none on / where the root directory is not a mount of its own. @see proc(5) */
export function isChrooted(mountinfo: string): boolean {
  return !mountinfo.split('\n').some((line) => line.split(' ')[4] === '/')
}
