import { isErrno } from '../../../base/errors.ts'
import type { StackLevel } from '../../../storage/tree/stack.ts'
import { walkTree } from '../../../storage/tree/walk.ts'
import { chmodat, chownat, mkdirat, setModificationTime } from '../../../syscall/file.ts'

/**
 * Makes the directories that trees on each other show, with their owners, modes and times, and nothing that is in them. Runs as root of a
 * user namespace; owners that it lacks become root.
 * @param levels the topmost first; their fds are taken over
 * @param targetFd an empty directory of nobody else
 */
export function copyDirectories(levels: readonly StackLevel[], targetFd: number): void {
  const made = []
  for (const { path, facts } of walkTree(levels)) {
    if (facts.type !== 'directory') continue
    mkdirat(targetFd, path, 0o700)
    changeOwner(targetFd, path, facts)
    chmodat(targetFd, path, facts.mode)
    made.push({ path, mtime: facts.mtime })
  }
  // What is made in a directory changes its time.
  for (const { path, mtime } of made.reverse()) setModificationTime(targetFd, path, mtime)
}

function changeOwner(
  dirfd: number,
  path: Buffer,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): void {
  try {
    chownat({ dirfd, path, uid, gid })
  } catch (error) {
    // An id without a map.
    if (!isErrno(error, 'EINVAL')) throw error
  }
}
