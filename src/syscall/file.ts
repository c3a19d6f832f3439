import { check, SyscallError } from './error.ts'
import { bind, lastErrno } from './native.ts'

/** A path as text, or as raw bytes where a name is not UTF-8. */
export type PathBytes = string | Uint8Array

const c = {
  openat2: bind('long syscall(long number, int dirfd, const void *path, const void *how, size_t size)'),
  mkdirat: bind('int mkdirat(int dirfd, const void *path, uint32_t mode)'),
  mknodat: bind('int mknodat(int dirfd, const void *path, uint32_t mode, uint64_t device)'),
  symlinkat: bind('int symlinkat(const void *target, int dirfd, const void *path)'),
  linkat: bind('int linkat(int oldDirfd, const void *oldPath, int newDirfd, const void *newPath, int flags)'),
  unlinkat: bind('int unlinkat(int dirfd, const void *path, int flags)'),
  renameat2: bind(
    'int renameat2(int oldDirfd, const void *oldPath, int newDirfd, const void *newPath, uint32_t flags)',
  ),
  readlinkat: bind('long readlinkat(int dirfd, const void *path, void *buffer, size_t size)'),
  fchownat: bind('int fchownat(int dirfd, const void *path, uint32_t uid, uint32_t gid, int flags)'),
  fchmodat: bind('int fchmodat(int dirfd, const void *path, uint32_t mode, int flags)'),
  fchmod: bind('int fchmod(int fd, uint32_t mode)'),
  utimensat: bind('int utimensat(int dirfd, const void *path, const void *times, int flags)'),
  futimens: bind('int futimens(int fd, const void *times)'),
  lsetxattr: bind(
    'int lsetxattr(const void *path, const char *name, const void *value, size_t size, int flags)',
  ),
  lgetxattr: bind('long lgetxattr(const void *path, const char *name, void *value, size_t size)'),
  llistxattr: bind('long llistxattr(const void *path, void *list, size_t size)'),
}

export const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const AT_REMOVEDIR = 0x200
const AT_SYMLINK_FOLLOW = 0x400
const AT_EMPTY_PATH = 0x1000

function bytes(path: PathBytes): Uint8Array {
  return typeof path === 'string' ? Buffer.from(`${path}\0`) : Buffer.concat([path, Buffer.of(0)])
}

/** Open flags of x86-64; those that differ on arm64 are chosen by architecture. @see open(2) */
export const O = {
  rdonly: 0,
  wronly: 1,
  rdwr: 2,
  creat: 0o100,
  excl: 0o200,
  noctty: 0o400,
  trunc: 0o1000,
  append: 0o2000,
  nonblock: 0o4000,
  directory: process.arch === 'arm64' ? 0o40000 : 0o200000,
  nofollow: process.arch === 'arm64' ? 0o100000 : 0o400000,
  cloexec: 0o2000000,
  path: 0o10000000,
  /** A file without a name, in the directory that the path names. */
  tmpfile: 0o20000000 | (process.arch === 'arm64' ? 0o40000 : 0o200000),
} as const

/** Resolution bits of openat2(2). */
export const RESOLVE = { noXdev: 1, noMagiclinks: 2, noSymlinks: 4, beneath: 8, inRoot: 16 } as const

export interface OpenAt2Request {
  readonly dirfd: number
  readonly path: PathBytes
  /** {@link O} bits; close-on-exec is added. */
  readonly flags: number
  /** Octal mode of a file that is created. */
  readonly mode?: number
  /** {@link RESOLVE} bits. */
  readonly resolve?: number
}

const SYS_OPENAT2 = 437

/** @see openat2(2) */
export function openat2(request: OpenAt2Request): number {
  const result = tryOpenat2(request)
  if (result < 0) throw new SyscallError('openat2', -result, { path: String(request.path) })
  return result
}

/** As {@link openat2}, but gives `-errno` where it fails: for callers to whom a missing file is no error. */
export function tryOpenat2({ dirfd, path, flags, mode = 0, resolve = 0 }: OpenAt2Request): number {
  const how = new BigUint64Array([BigInt(flags | O.cloexec), BigInt(mode), BigInt(resolve)])
  const result = Number(c.openat2(SYS_OPENAT2, dirfd, bytes(path), how, 24))
  return result < 0 ? -lastErrno() : result
}

/** `mode` is octal and meets the umask. */
export function mkdirat(dirfd: number, path: PathBytes, mode: number): void {
  check('mkdirat', c.mkdirat(dirfd, bytes(path), mode), { path: String(path) })
}

export const S_IF = {
  fifo: 0o010000,
  chr: 0o020000,
  dir: 0o040000,
  blk: 0o060000,
  reg: 0o100000,
  lnk: 0o120000,
  sock: 0o140000,
} as const

/** `mode` holds an {@link S_IF} type; `device` is a dev_t (see {@link makeDevice}). */
export function mknodat(dirfd: number, path: PathBytes, mode: number, device = 0n): void {
  check('mknodat', c.mknodat(dirfd, bytes(path), mode, device), { path: String(path) })
}

/** dev_t of a major and a minor number. @see makedev(3) */
export function makeDevice(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)]
  return ((a & 0xfffn) << 8n) | ((a & ~0xfffn) << 32n) | (b & 0xffn) | ((b & ~0xffn) << 12n)
}

export function symlinkat(target: PathBytes, dirfd: number, path: PathBytes): void {
  check('symlinkat', c.symlinkat(bytes(target), dirfd, bytes(path)), { path: String(path) })
}

/** A hard link; a symbolic link as source is linked itself. */
export function linkat(oldDirfd: number, oldPath: PathBytes, newDirfd: number, newPath: PathBytes): void {
  check('linkat', c.linkat(oldDirfd, bytes(oldPath), newDirfd, bytes(newPath), 0), {
    path: String(newPath),
    source: String(oldPath),
  })
}

/** Gives a file that was opened with O.tmpfile its name. @throws SyscallError EEXIST */
export function linkOpenFile(fd: number, path: PathBytes): void {
  const from = bytes(`/proc/self/fd/${fd}`)
  check('linkat', c.linkat(AT_FDCWD, from, AT_FDCWD, bytes(path), AT_SYMLINK_FOLLOW), { path: String(path) })
}

export function unlinkat(dirfd: number, path: PathBytes): void {
  check('unlinkat', c.unlinkat(dirfd, bytes(path), 0), { path: String(path) })
}

/** As {@link unlinkat}, giving the errno, 0 for success: for trees, where a directory among the files is no surprise. */
export function unlinkErrno(
  dirfd: number,
  path: PathBytes,
  options: { readonly directory?: boolean } = {},
): number {
  return Number(c.unlinkat(dirfd, bytes(path), options.directory ? AT_REMOVEDIR : 0)) === 0 ? 0 : lastErrno()
}

const RENAME_NOREPLACE = 1

export interface RenameRequest {
  readonly fromDirfd: number
  readonly from: PathBytes
  readonly toDirfd: number
  readonly to: PathBytes
}

/** @throws SyscallError EEXIST where something has the new name */
export function renameat2({ fromDirfd, from, toDirfd, to }: RenameRequest): void {
  check('renameat2', c.renameat2(fromDirfd, bytes(from), toDirfd, bytes(to), RENAME_NOREPLACE), {
    from: String(from),
    to: String(to),
  })
}

/** The raw bytes of a symbolic link. With an empty path, of the O_PATH fd itself. */
export function readlinkat(dirfd: number, path: PathBytes): Buffer {
  const buffer = Buffer.alloc(4096)
  const length = check('readlinkat', c.readlinkat(dirfd, bytes(path), buffer, buffer.length), {
    path: String(path),
  })
  return buffer.subarray(0, length)
}

export interface ChownRequest {
  readonly dirfd?: number
  /** Never followed at the end; empty for the fd itself. */
  readonly path: PathBytes
  readonly uid: number
  readonly gid: number
}

export function chownat({ dirfd = AT_FDCWD, path, uid, gid }: ChownRequest): void {
  const flags = AT_SYMLINK_NOFOLLOW | (path.length === 0 ? AT_EMPTY_PATH : 0)
  check('fchownat', c.fchownat(dirfd, bytes(path), uid, gid, flags), { path: String(path), uid, gid })
}

/** Follows a symbolic link at the end: call it on what is known to be none. */
export function chmodat(dirfd: number, path: PathBytes, mode: number): void {
  check('fchmodat', c.fchmodat(dirfd, bytes(path), mode, 0), { path: String(path) })
}

export function fchmod(fd: number, mode: number): void {
  check('fchmod', c.fchmod(fd, mode), { fd })
}

/** Sets the modification time, and the access time to the same; a link itself is never followed. */
export function setModificationTime(
  dirfd: number,
  path: PathBytes,
  time: { readonly seconds: bigint; readonly nanoseconds: bigint },
): void {
  const times = new BigInt64Array([time.seconds, time.nanoseconds, time.seconds, time.nanoseconds])
  check('utimensat', c.utimensat(dirfd, bytes(path), times, AT_SYMLINK_NOFOLLOW), { path: String(path) })
}

/** As {@link setModificationTime}, of an open file. */
export function fsetModificationTime(
  fd: number,
  time: { readonly seconds: bigint; readonly nanoseconds: bigint },
): void {
  const times = new BigInt64Array([time.seconds, time.nanoseconds, time.seconds, time.nanoseconds])
  check('futimens', c.futimens(fd, times), { fd })
}

/** As {@link setModificationTime}, of what `fd` stands for: O_PATH will do, also of a link. */
export function setTimeOfFd(
  fd: number,
  time: { readonly seconds: bigint; readonly nanoseconds: bigint },
): void {
  const times = new BigInt64Array([time.seconds, time.nanoseconds, time.seconds, time.nanoseconds])
  check('utimensat', c.utimensat(fd, bytes(''), times, AT_EMPTY_PATH), { fd })
}

/** Sets an extended attribute of the object itself. */
export function lsetxattr(path: PathBytes, name: string, value: Uint8Array): void {
  check('lsetxattr', c.lsetxattr(bytes(path), name, value, value.byteLength, 0), { path: String(path), name })
}

const ENODATA = 61

/** undefined where the attribute is not set. */
export function lgetxattr(path: PathBytes, name: string): Buffer | undefined {
  const buffer = Buffer.alloc(65536)
  const length = Number(c.lgetxattr(bytes(path), name, buffer, buffer.length))
  if (length >= 0) return buffer.subarray(0, length)
  const errno = lastErrno()
  if (errno === ENODATA) return undefined
  throw new SyscallError('lgetxattr', errno, { path: String(path), name })
}

export function llistxattr(path: PathBytes): readonly string[] {
  const buffer = Buffer.alloc(65536)
  const length = check('llistxattr', c.llistxattr(bytes(path), buffer, buffer.length), { path: String(path) })
  return buffer
    .toString('latin1', 0, length)
    .split('\0')
    .filter((name) => name !== '')
}
