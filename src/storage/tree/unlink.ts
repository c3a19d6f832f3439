import { chmodSync, closeSync, fstatSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { isErrno } from '../../base/errors.ts'
import { SyscallError } from '../../syscall/error.ts'
import { AT_FDCWD, O, openat2, type PathBytes, RESOLVE, renameat2, unlinkErrno } from '../../syscall/file.ts'

/** Levels that are walked with an open fd each; what lies deeper is first moved up. */
const DEPTH_LIMIT = 64
const ONLY_BELOW = RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noXdev | RESOLVE.noMagiclinks
const RWX = 0o700

/**
 * Unlinks `name` in `directory` with all that is in it, as far as the caller's rights go. Synchronous: it also runs in
 * forked children. Each step is relative to an open directory and refuses links and mounts, so that nothing
 * outside is reached, whatever others do in the tree meanwhile.
 * @throws SyscallError EACCES or EPERM for the lack of rights, EXDEV or EBUSY at a mount
 */
export function unlinkTree(directory: string, name: PathBytes): void {
  const parent = openat2({ dirfd: AT_FDCWD, path: directory, flags: O.path | O.directory })
  try {
    if (!unlinkShallow(parent, name)) return
    const root = openDirectory(parent, name)
    try {
      while (emptyDirectory(root, root, DEPTH_LIMIT) > 0);
    } finally {
      closeSync(root)
    }
    unlinkShallow(parent, name)
  } finally {
    closeSync(parent)
  }
}

const { EEXIST, EISDIR, ENOENT, ENOTEMPTY } = constants.errno

/** @returns true for a directory that is not empty, which stays */
function unlinkShallow(dirfd: number, name: PathBytes): boolean {
  const errno = unlinkErrno(dirfd, name)
  if (errno === 0 || errno === ENOENT) return false
  if (errno !== EISDIR) throw new SyscallError('unlinkat', errno, { path: String(name) })
  const directoryErrno = unlinkErrno(dirfd, name, { directory: true })
  if (directoryErrno === 0 || directoryErrno === ENOENT) return false
  if (directoryErrno === ENOTEMPTY || directoryErrno === EEXIST) return true
  throw new SyscallError('unlinkat', directoryErrno, { path: String(name) })
}

/** Opens it so that it can be read and changed, also where its owner has no right to. */
function openDirectory(dirfd: number, name: PathBytes): number {
  const handle = openat2({ dirfd, path: name, flags: O.path | O.directory | O.nofollow, resolve: ONLY_BELOW })
  try {
    const { mode } = fstatSync(handle)
    if ((mode & RWX) !== RWX) chmodSync(`/proc/self/fd/${handle}`, RWX)
    return openat2({ dirfd: handle, path: '.', flags: O.rdonly | O.directory, resolve: ONLY_BELOW })
  } finally {
    closeSync(handle)
  }
}

/** @returns how many directories were moved into `root`, which is then not empty */
function emptyDirectory(fd: number, root: number, levels: number): number {
  let moved = 0
  for (const name of readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' })) {
    if (!unlinkShallow(fd, name)) continue
    if (levels === 0) {
      moveUp(fd, name, root)
      moved += 1
      continue
    }
    const child = openDirectory(fd, name)
    try {
      moved += emptyDirectory(child, root, levels - 1)
    } finally {
      closeSync(child)
    }
    unlinkShallow(fd, name)
  }
  return moved
}

let movedSoFar = 0

function moveUp(fromDirfd: number, name: PathBytes, root: number): void {
  // The move changes its `..`, which takes the right to write in it.
  closeSync(openDirectory(fromDirfd, name))
  for (;;) {
    movedSoFar += 1
    try {
      renameat2({ fromDirfd, from: name, toDirfd: root, to: `moved-up-${movedSoFar}` })
      return
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
  }
}
