import {
  chmodSync,
  closeSync,
  fchmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { BryoError, isErrno, unlessErrno } from '../../base/errors.ts'
import { explainSpace } from '../../storage/space.ts'
import { linkOpenFile, O } from '../../syscall/file.ts'

/** A path, or an fd that stays the caller's. */
export type SaveTarget = string | number

/**
 * Has a file written beside the one of that name, which it replaces when it is whole; devices and pipes are written to directly.
 * After an error nothing is left.
 * @throws BryoError NOT_FOUND, PERMISSION, NO_SPACE
 */
export function withFile(path: string, write: (fd: number) => void): void {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found?.isDirectory()) {
      throw new BryoError('USAGE', `cannot write "${path}": it is a directory, expected a file`)
    }
    if (found && !found.isFile()) writeAt(path, O.wronly, write)
    else replaceFile(found ? realpathSync(path) : path, found?.mode, write)
  } catch (error) {
    throw explainTarget(path, error)
  }
}

/** The new file has no name until it is whole, so that nothing is left of one whose writer was killed. */
function replaceFile(path: string, mode: number | undefined, write: (fd: number) => void): void {
  const directory = dirname(path)
  const temporary = join(directory, `.${basename(path)}.${process.pid}~`)
  const isNamed = writeUnnamed(directory, (fd) => {
    write(fd)
    if (mode !== undefined) fchmodSync(fd, mode & 0o7777)
    linkOpenFile(fd, temporary)
  })
  try {
    if (!isNamed) writeAt(temporary, O.wronly | O.creat | O.excl | O.nofollow, write)
    if (!isNamed && mode !== undefined) chmodSync(temporary, mode & 0o7777)
    renameSync(temporary, path)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) rmSync(temporary, { force: true })
    throw error
  }
}

/** False where the filesystem has no files without a name. */
function writeUnnamed(directory: string, write: (fd: number) => void): boolean {
  const flags = O.tmpfile | O.wronly | O.cloexec
  const unsupported = ['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL']
  const fd = unlessErrno(() => openSync(directory, flags, 0o666), ...unsupported)
  if (fd === undefined) return false
  try {
    write(fd)
    return true
  } finally {
    closeSync(fd)
  }
}

function writeAt(path: string, flags: number, write: (fd: number) => void): void {
  const fd = openSync(path, flags | O.cloexec, 0o666)
  try {
    write(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Has files written below a directory, which is made where it is missing. After an error nothing of it is left.
 * @throws BryoError USAGE where something is in it, NOT_FOUND, PERMISSION, NO_SPACE
 */
export function withDirectory(path: string, write: (directory: string) => void): void {
  try {
    const isNew = makeEmpty(path)
    try {
      write(path)
    } catch (error) {
      for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true })
      if (isNew) rmSync(path, { recursive: true, force: true })
      throw error
    }
  } catch (error) {
    throw explainTarget(path, error)
  }
}

function makeEmpty(path: string): boolean {
  try {
    mkdirSync(path, 0o755)
    return true
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
  const found = statSync(path).isDirectory() ? readdirSync(path)[0] : undefined
  if (statSync(path).isDirectory() && found === undefined) return false
  throw new BryoError(
    'USAGE',
    `cannot save to "${path}": ${found === undefined ? 'it is no directory' : `it holds "${found}"`}, expected an empty directory`,
  )
}

function explainTarget(path: string, error: unknown): unknown {
  if (isErrno(error, 'ENOENT', 'ENOTDIR')) {
    return new BryoError('NOT_FOUND', `cannot write "${path}": no such directory`, { cause: error })
  }
  if (isErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    return new BryoError('PERMISSION', `cannot write "${path}": permission denied`, { cause: error })
  }
  return explainSpace(error, path)
}
