import { accessSync, closeSync, constants } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { O } from '../../syscall/file.ts'
import { filesystemTypeOfFd } from '../../syscall/mount.ts'
import { execve, fchdir } from '../../syscall/process.ts'
import { ensureInRoot, openInRoot, openInRootIfPresent } from '../../syscall/rootPath.ts'
import { refuseOwnProgram } from './ownProgram.ts'

/**
 * Enters the working directory by an fd that was opened inside the root, so no leaked fd of the host can be meant.
 * @throws BryoError RUNTIME
 */
export function enterWorkingDirectory(rootFd: number, path: string): void {
  try {
    const fd = openInRoot(rootFd, path, O.path | O.directory)
    try {
      fchdir(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT'))
      throw new BryoError('RUNTIME', `workdir "${path}" does not exist on container`, { cause: error })
    if (isErrno(error, 'ENOTDIR'))
      throw new BryoError('RUNTIME', `workdir "${path}" is not a directory`, { cause: error })
    if (isErrno(error, 'ELOOP', 'EXDEV'))
      throw new BryoError('RUNTIME', `workdir "${path}" leaves the container`, { cause: error })
    if (isErrno(error, 'EACCES'))
      throw new BryoError(
        'RUNTIME',
        `cannot enter workdir "${path}": permission denied for the container's user`,
        { cause: error },
      )
    throw error
  }
}

/** Makes the working directory that an image names, where it is missing. */
export function createWorkingDirectory(rootFd: number, path: string): void {
  const found = openInRootIfPresent(rootFd, path, O.path | O.directory)
  closeSync(found ?? ensureInRoot(rootFd, path, 'directory'))
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Executes the workload: a name without `/` is looked for in the container's PATH. @throws BryoError COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE */
export function executeWorkload(args: readonly string[], env: readonly string[]): never {
  const name = args[0] ?? ''
  const path = name.includes('/') ? name : findInPath(name, env)
  refuseOwnProgram(path)
  try {
    execve(path, args, env)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw notFound(name, 'No such file or directory', error)
    if (isErrno(error, 'EACCES', 'EPERM')) throw notExecutable(name, 'permission denied', error)
    if (isErrno(error, 'ENOEXEC')) throw notExecutable(name, 'exec format error', error)
    if (isErrno(error, 'EISDIR', 'ENOTDIR', 'ELOOP', 'ETXTBSY', 'E2BIG', 'EINVAL'))
      throw notExecutable(name, messageOf(error), error)
    throw error
  }
}

function findInPath(name: string, env: readonly string[]): string {
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  let denied = false
  for (const directory of path.split(':')) {
    const candidate = `${directory === '' ? '.' : directory}/${name}`
    const state = executableState(candidate)
    if (state === 'executable') return candidate
    denied ||= state === 'denied'
  }
  if (denied) throw notExecutable(name, 'permission denied')
  throw notFound(name, 'executable file not found in $PATH')
}

function executableState(path: string): 'executable' | 'denied' | 'missing' {
  try {
    accessSync(path, constants.X_OK)
    return isDirectory(path) ? 'missing' : 'executable'
  } catch (error) {
    return isErrno(error, 'EACCES') ? 'denied' : 'missing'
  }
}

function isDirectory(path: string): boolean {
  try {
    accessSync(`${path}/.`)
    return true
  } catch {
    return false
  }
}

function notFound(name: string, reason: string, cause?: unknown): BryoError {
  return new BryoError('COMMAND_NOT_FOUND', `cannot execute "${name}": ${reason}`, { cause })
}

function notExecutable(name: string, reason: string, cause?: unknown): BryoError {
  return new BryoError('COMMAND_NOT_EXECUTABLE', `cannot execute "${name}": ${reason}`, { cause })
}

const PIPEFS_MAGIC = 0x50495045

/** Whether the fd is a pipe without a name, so that its owner may change without any file of the host changing. */
export function isAnonymousPipe(fd: number): boolean {
  return filesystemTypeOfFd(fd) === PIPEFS_MAGIC
}
