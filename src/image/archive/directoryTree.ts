import { fstatSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { type OwnedFd, ownFd } from '../../syscall/fd.ts'
import { O, openat2, RESOLVE } from '../../syscall/file.ts'
import { type FileTree, readPart, type TreeFile } from './fileTree.ts'

/**
 * The files below a directory; owns its fd. The directory may come from anybody: links are not followed, and what is
 * no regular file (a FIFO would block for ever) is refused.
 */
export function openDirectoryTree(directory: OwnedFd, label: string): FileTree {
  const open = [directory]
  const find = (name: string): TreeFile | undefined => {
    const file = openInside(directory.fd, label, name)
    if (!file) return undefined
    open.push(file)
    const found = fstatSync(file.fd)
    if (!found.isFile()) throw refused(label, name, 'it is no regular file')
    const { size } = found
    return {
      name,
      size,
      read: (offset) =>
        readPart(label, file.fd, { offset: Math.min(offset, size), size: Math.max(0, size - offset) }),
    }
  }
  return {
    label,
    find,
    [Symbol.dispose]: () => {
      for (const owner of open) owner.close()
    },
  }
}

function openInside(dirfd: number, label: string, name: string): OwnedFd | undefined {
  const resolve = RESOLVE.beneath | RESOLVE.noSymlinks
  try {
    return ownFd(openat2({ dirfd, path: name, flags: O.rdonly | O.nonblock | O.noctty, resolve }))
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    if (isErrno(error, 'ELOOP', 'EXDEV')) throw refused(label, name, 'it is a symbolic link')
    throw error
  }
}

function refused(label: string, name: string, found: string): BryoError {
  return new BryoError(
    'INVALID_ARCHIVE',
    `cannot read image directory "${label}": "${name}" is not usable: ${found}, expected a file`,
  )
}
