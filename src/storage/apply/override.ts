import { lsetxattr } from '../../syscall/file.ts'
import { fdXattr } from '../../syscall/xattr.ts'
import { inChroot, type LayerPath } from './layerPath.ts'

// A layer that several users share belongs to whoever unpacked it, down to the last file: what the archive says of owners and modes is
// kept in attributes, which mean the same in everybody's user namespace. The notation is that of containers-storage and fuse-overlayfs.

const OVERRIDE_XATTR = 'user.containers.override_stat'

export interface Override {
  readonly uid: number
  readonly gid: number
  /** Permission, set-id and sticky bits. */
  readonly mode: number
}

/** For files and directories: the kernel has no user attributes on anything else. */
export function setOverride(path: LayerPath, { uid, gid, mode }: Override): void {
  lsetxattr(inChroot(path), OVERRIDE_XATTR, Buffer.from(`${uid}:${gid}:0${mode.toString(8)}`))
}

/** undefined where there is none, or one of another notation. */
export function readOverride(fd: number): Override | undefined {
  const [, uid, gid, mode] =
    /^(\d{1,10}):(\d{1,10}):0*([0-7]{1,4})(?::.*)?$/.exec(String(fdXattr(fd, OVERRIDE_XATTR))) ?? []
  if (uid === undefined || gid === undefined || mode === undefined) return undefined
  return { uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8) }
}

/** What everybody may do with it on the disk. */
export function sharedMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755
}
