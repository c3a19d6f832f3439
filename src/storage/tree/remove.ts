import { lstatSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { HostPath } from '../../base/brand.ts'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { RunInUserns } from '../runInUserns.ts'
import { unlinkTree } from './unlink.ts'

export interface RemoveTreeOptions {
  /** How files of subordinate ids can be removed; without it they are an error. */
  readonly runInUserns?: RunInUserns | undefined
}

/**
 * Removes a file or a directory with all that is in it; nothing where it does not exist. Symbolic links are
 * removed, never followed; directories without permission bits, names that are no text and any depth are fine.
 * @throws BryoError IN_USE where something is mounted in it, PERMISSION where files belong to somebody else
 */
export function removeTree(path: HostPath, { runInUserns }: RemoveTreeOptions = {}): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return
  try {
    unlinkTree(dirname(path), basename(path))
    return
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM') || !runInUserns) throw explain(error, path)
  }
  // The child empties it; its own entry lies in a directory of this user. What the child could not remove
  // fails here again, and is then an error of this process.
  runInUserns(() => {
    unlinkTree(dirname(path), basename(path))
    return 0
  })
  try {
    unlinkTree(dirname(path), basename(path))
  } catch (error) {
    throw explain(error, path)
  }
}

function explain(cause: unknown, path: HostPath): unknown {
  if (isErrno(cause, 'EBUSY', 'EXDEV')) {
    return new BryoError('IN_USE', `cannot remove "${path}": something is mounted in it`, {
      hint: 'unmount it, or stop the process that uses it',
      cause,
    })
  }
  if (isErrno(cause, 'EACCES', 'EPERM')) {
    return new BryoError('PERMISSION', `cannot remove "${path}": some of its files belong to other ids`, {
      cause,
    })
  }
  return cause
}
