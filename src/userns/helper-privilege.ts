import { readFileSync, realpathSync, statSync } from 'node:fs'
import { lgetxattr } from '../syscall/file.ts'
import { filesystemFlags, ST } from '../syscall/mount.ts'

/** What lets newuidmap or newgidmap write the maps of another process. */
export interface HelperPrivilege {
  readonly path: string
  /** Set-user-ID, and owned by root. */
  readonly setuid: boolean
  /** CAP_SETUID (newuidmap) or CAP_SETGID (newgidmap) as file capability. */
  readonly capability: boolean
  /** On a filesystem that is mounted nosuid, both count for nothing. */
  readonly nosuid: boolean
}

const CAP_SETGID = 6
const CAP_SETUID = 7

export function readHelperPrivilege(path: string): HelperPrivilege {
  const file = realpathSync(path)
  const status = statSync(file)
  const capability = path.endsWith('newgidmap') ? CAP_SETGID : CAP_SETUID
  const attribute = lgetxattr(file, 'security.capability')
  return {
    path,
    setuid: (status.mode & 0o4000) !== 0 && status.uid === 0,
    capability: attribute !== undefined && permits(attribute, capability),
    nosuid: (filesystemFlags(file) & ST.nosuid) !== 0,
  }
}

/** The permitted set of struct vfs_cap_data: two little-endian words after the magic, each with its inheritable one. */
function permits(attribute: Buffer, capability: number): boolean {
  return attribute.length >= 8 && (attribute.readUInt32LE(4) & (1 << capability)) !== 0
}

/** True where set-user-ID and file capabilities of what this process starts have no effect. @see prctl(2) */
export function hasNoNewPrivileges(): boolean {
  return /^NoNewPrivs:\s*1$/m.test(readFileSync('/proc/self/status', 'utf8'))
}
