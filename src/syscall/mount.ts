import { check } from './error.ts'
import { bind } from './native.ts'

const c = {
  mount: bind(
    'int mount(const char *source, const char *target, const char *type, size_t flags, const char *data)',
  ),
  umount2: bind('int umount2(const char *target, int flags)'),
  pivotRoot: bind('long syscall(long number, const char *newRoot, const char *putOld)'),
  openTree: bind('long syscall(long number, int dirfd, const char *path, uint32_t flags)'),
  moveMount: bind(
    'long syscall(long number, int fromFd, const char *from, int toFd, const char *to, uint32_t flags)',
  ),
  mountSetattr: bind(
    'long syscall(long number, int dirfd, const char *path, uint32_t flags, const void *attr, size_t size)',
  ),
  statfs: bind('int statfs(const char *path, void *buffer)'),
  fstatfs: bind('int fstatfs(int fd, void *buffer)'),
}

/** Flags of mount(2). */
export const MS = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  remount: 32,
  noatime: 1024,
  nodiratime: 2048,
  bind: 4096,
  move: 8192,
  rec: 16384,
  silent: 32768,
  unbindable: 1 << 17,
  private: 1 << 18,
  slave: 1 << 19,
  shared: 1 << 20,
  relatime: 1 << 21,
  strictatime: 1 << 24,
} as const

export interface MountRequest {
  readonly source?: string
  readonly target: string
  readonly fstype?: string
  /** {@link MS} bits. */
  readonly flags?: number
  readonly data?: string
}

/** @see mount(2) */
export function mount({ source, target, fstype, flags = 0, data }: MountRequest): void {
  check('mount', c.mount(source ?? null, target, fstype ?? null, flags, data ?? null), {
    source,
    target,
    fstype,
  })
}

const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8

/** Lazy unmount, never through a symbolic link. */
export function unmountDetach(target: string): void {
  check('umount2', c.umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW), { target })
}

/** @throws SyscallError EBUSY where something in it is in use */
export function unmount(target: string): void {
  check('umount2', c.umount2(target, UMOUNT_NOFOLLOW), { target })
}

const SYS_PIVOT_ROOT = process.arch === 'arm64' ? 41 : 155
const SYS_OPEN_TREE = 428
const SYS_MOVE_MOUNT = 429
const SYS_MOUNT_SETATTR = 442

export function pivotRoot(newRoot: string, putOld: string): void {
  check('pivot_root', c.pivotRoot(SYS_PIVOT_ROOT, newRoot, putOld), { newRoot, putOld })
}

const AT_FDCWD = -100
const AT_EMPTY_PATH = 0x1000
const AT_RECURSIVE = 0x8000
const AT_SYMLINK_NOFOLLOW = 0x100
const OPEN_TREE_CLONE = 1
const OPEN_TREE_CLOEXEC = 0o2000000

export interface OpenTreeRequest {
  /** Where `path` starts; the current directory by default. With an empty path, the object itself. */
  readonly dirfd?: number
  readonly path: string
  readonly recursive: boolean
  /** Follow a symbolic link at the end of the path. */
  readonly follow?: boolean
}

/** A detached copy of a mount (a bind mount that has no place yet), as a close-on-exec fd. @see open_tree(2) */
export function openTreeClone({
  dirfd = AT_FDCWD,
  path,
  recursive,
  follow = false,
}: OpenTreeRequest): number {
  const flags =
    OPEN_TREE_CLONE |
    OPEN_TREE_CLOEXEC |
    (recursive ? AT_RECURSIVE : 0) |
    (path === '' ? AT_EMPTY_PATH : 0) |
    (follow ? 0 : AT_SYMLINK_NOFOLLOW)
  return check('open_tree', c.openTree(SYS_OPEN_TREE, dirfd, path, flags), { path })
}

const MOVE_MOUNT_F_EMPTY_PATH = 4
const MOVE_MOUNT_T_EMPTY_PATH = 0x40

/** Attaches the detached mount `fromFd` on the file or directory that `toFd` names. @see move_mount(2) */
export function moveMountOnto(fromFd: number, toFd: number): void {
  check(
    'move_mount',
    c.moveMount(SYS_MOVE_MOUNT, fromFd, '', toFd, '', MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
  )
}

/** Attribute bits of mount_setattr(2). */
export const MOUNT_ATTR = {
  rdonly: 1,
  nosuid: 2,
  nodev: 4,
  noexec: 8,
  noatime: 0x10,
  nodiratime: 0x80,
  nosymfollow: 0x200000,
} as const

const MOUNT_ATTR_ATIME = 0x70

export interface MountSetattrRequest {
  readonly dirfd?: number
  readonly path: string
  readonly recursive: boolean
  /** {@link MOUNT_ATTR} bits to set; nothing is ever cleared, so locked flags stay. */
  readonly set?: number
  readonly propagation?: 'private' | 'slave' | 'shared' | 'unbindable'
}

/** @see mount_setattr(2) */
export function mountSetattr({
  dirfd = AT_FDCWD,
  path,
  recursive,
  set = 0,
  propagation,
}: MountSetattrRequest): void {
  // Of the ways to keep access times one must be taken away for another to come.
  const clear = (set & MOUNT_ATTR_ATIME) === 0 ? 0n : BigInt(MOUNT_ATTR_ATIME)
  const attr = new BigUint64Array([BigInt(set), clear, propagation ? BigInt(MS[propagation]) : 0n, 0n])
  const flags = (recursive ? AT_RECURSIVE : 0) | (path === '' ? AT_EMPTY_PATH : 0) | AT_SYMLINK_NOFOLLOW
  check('mount_setattr', c.mountSetattr(SYS_MOUNT_SETATTR, dirfd, path, flags, attr, 32), { path })
}

/** Numbers of statfs(2) `f_type`. */
export const FS_MAGIC = {
  proc: 0x9fa0,
  devpts: 0x1cd1,
  sysfs: 0x62656572,
  tmpfs: 0x01021994,
  overlay: 0x794c7630,
  fuse: 0x65735546,
  nfs: 0x6969,
  cgroup2: 0x63677270,
  nsfs: 0x6e736673,
} as const

/** `f_type` of the filesystem at `path`. */
export function filesystemType(path: string): number {
  const buffer = Buffer.alloc(120)
  check('statfs', c.statfs(path, buffer), { path })
  return Number(buffer.readBigUInt64LE(0))
}

/** `f_type` of the filesystem behind `fd`. */
export function filesystemTypeOfFd(fd: number): number {
  const buffer = Buffer.alloc(120)
  check('fstatfs', c.fstatfs(fd, buffer), { fd })
  return Number(buffer.readBigUInt64LE(0))
}

/** Bits of statfs(2) `f_flags`. */
export const ST = { rdonly: 1, nosuid: 2, nodev: 4, noexec: 8 } as const

/** The flags that the filesystem at `path` is mounted with: {@link ST} bits. */
export function filesystemFlags(path: string): number {
  const buffer = Buffer.alloc(120)
  check('statfs', c.statfs(path, buffer), { path })
  return Number(buffer.readBigUInt64LE(80))
}
