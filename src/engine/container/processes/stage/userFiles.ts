import { closeSync, fstatSync, readSync } from 'node:fs'
import { isErrno } from '../../../../base/errors.ts'
import { O } from '../../../../syscall/file.ts'
import { openInRootIfPresent } from '../../../../syscall/rootPath.ts'

/** What a root's files say of users and groups: the text of each, empty where there is none. */
export interface UserFiles {
  readonly passwd: string
  readonly group: string
}

const MAX_FILE = 1024 * 1024

/** No link leads out of the root. @throws SyscallError EACCES where this process may not look into it */
export function readUserFiles(rootFd: number): UserFiles {
  return { passwd: readInRoot(rootFd, '/etc/passwd'), group: readInRoot(rootFd, '/etc/group') }
}

/** The beginning of a plain file; empty for anything else, such as a pipe that would never end. */
function readInRoot(root: number, path: string): string {
  let fd: number | undefined
  try {
    fd = openInRootIfPresent(root, path, O.rdonly | O.nonblock | O.noctty)
    if (fd === undefined || !fstatSync(fd).isFile()) return ''
    const buffer = Buffer.alloc(Math.min(MAX_FILE, fstatSync(fd).size))
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0))
  } catch (error) {
    // A loop of links, a pipe without a reader, a device that is none, a root whose server is gone.
    if (!isErrno(error, 'ELOOP', 'ENXIO', 'ENODEV', 'EISDIR', 'ENOTCONN')) throw error
    return ''
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
