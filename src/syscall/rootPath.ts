import { closeSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import { mkdirat, O, openat2, RESOLVE } from './file.ts'

export interface RootPathOptions {
  /** Refuse symbolic links anywhere in the path instead of following them inside the root. */
  readonly strict?: boolean
}

/**
 * Opens a path inside the root that `rootFd` names: `..` and absolute links end at that root, links of /proc
 * to other processes' files are refused.
 * @param flags bits of O; close-on-exec is added
 * @see openat2(2) RESOLVE_IN_ROOT
 */
export function openInRoot(
  rootFd: number,
  path: string,
  flags: number,
  options: RootPathOptions = {},
): number {
  const resolve = RESOLVE.inRoot | RESOLVE.noMagiclinks | (options.strict ? RESOLVE.noSymlinks : 0)
  return openat2({ dirfd: rootFd, path: path === '' ? '/' : path, flags, resolve })
}

/** As {@link openInRoot}; undefined where nothing is there. */
export function openInRootIfPresent(
  rootFd: number,
  path: string,
  flags: number,
  options: RootPathOptions = {},
): number | undefined {
  try {
    return openInRoot(rootFd, path, flags, options)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/**
 * An O_PATH fd of the directory or file at `path`, made (with its parents, mode 0755) where it is missing.
 * @throws BryoError MOUNT where a symbolic link leads nowhere, or lies in a strict path
 */
export function ensureInRoot(
  rootFd: number,
  path: string,
  kind: 'directory' | 'file',
  options: RootPathOptions = {},
): number {
  const found = openTarget(rootFd, path, options)
  if (found !== undefined) return found
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const name = parts.pop()
  if (name === undefined || name === '..')
    throw new BryoError('MOUNT', `cannot create "${path}" inside the container`)
  const parent = ensureInRoot(rootFd, `/${parts.join('/')}`, 'directory', options)
  try {
    if (kind === 'directory') mkdirat(parent, name, 0o755)
    else
      closeSync(
        openat2({ dirfd: parent, path: name, flags: O.wronly | O.creat | O.excl | O.nofollow, mode: 0o644 }),
      )
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    throw new BryoError(
      'MOUNT',
      `cannot create "${path}" inside the container: a symbolic link there leads nowhere`,
      { cause: error },
    )
  } finally {
    closeSync(parent)
  }
  return openInRoot(rootFd, path, O.path, options)
}

function openTarget(rootFd: number, path: string, options: RootPathOptions): number | undefined {
  try {
    return openInRootIfPresent(rootFd, path, O.path, options)
  } catch (error) {
    if (!isErrno(error, 'ELOOP')) throw error
    throw new BryoError(
      'MOUNT',
      `cannot use "${path}" inside the container: it is or lies behind a symbolic link`,
      { cause: error },
    )
  }
}
