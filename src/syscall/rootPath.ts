import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { BryoError, isErrno, unlessErrno } from '../base/errors.ts'
import { SyscallError } from './error.ts'
import { mkdirat, O, openat2, RESOLVE, readlinkat, tryOpenat2 } from './file.ts'

export interface RootPathOptions {
  /** Refuse symbolic links anywhere in the path instead of following them inside the root. */
  readonly strict?: boolean
  /** Refuse (EXDEV) what lies in another mount than the root: neither /proc nor a volume is the image's content. */
  readonly oneMount?: boolean
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
  return openat2({ dirfd: rootFd, path: path === '' ? '/' : path, flags, resolve: resolution(options) })
}

function resolution({ strict = false, oneMount = false }: RootPathOptions): number {
  const refused = (strict ? RESOLVE.noSymlinks : 0) | (oneMount ? RESOLVE.noXdev : 0)
  return RESOLVE.inRoot | RESOLVE.noMagiclinks | refused
}

/** As {@link openInRoot}; undefined where nothing is there. */
export function openInRootIfPresent(
  rootFd: number,
  path: string,
  flags: number,
  options: RootPathOptions = {},
): number | undefined {
  const resolve = resolution(options)
  const result = tryOpenat2({ dirfd: rootFd, path: path === '' ? '/' : path, flags, resolve })
  if (result >= 0) return result
  if (-result === constants.errno.ENOENT || -result === constants.errno.ENOTDIR) return undefined
  throw new SyscallError('openat2', -result, { path })
}

/** As many links as the kernel follows in one path. @see path_resolution(7) */
const MAX_LINKS = 40

/**
 * An fd of the directory or file at `path`, made (with its parents, mode 0755) where it is missing. Where a symbolic
 * link leads nowhere, what it names is made: images have such links to files that a running system makes.
 * @throws BryoError MOUNT for a symbolic link in a strict path, and where links do not end
 */
export function ensureInRoot(
  rootFd: number,
  path: string,
  kind: 'directory' | 'file',
  options: RootPathOptions = {},
): number {
  return ensure({ rootFd, kind, options, linksLeft: MAX_LINKS }, path)
}

interface EnsureContext {
  readonly rootFd: number
  readonly kind: 'directory' | 'file'
  readonly options: RootPathOptions
  readonly linksLeft: number
}

function ensure(context: EnsureContext, path: string): number {
  const { rootFd, kind, options, linksLeft } = context
  const found = openTarget(rootFd, path, options)
  if (found !== undefined) return found
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const name = parts.pop()
  if (name === undefined || name === '..') {
    throw new BryoError('MOUNT', `cannot create "${path}" inside the container`)
  }
  const parentPath = `/${parts.join('/')}`
  const parent = ensure({ ...context, kind: 'directory' }, parentPath)
  let link: string
  try {
    const created = create(parent, name, kind)
    if (created !== undefined) return created
    link = readlinkat(parent, name).toString()
  } finally {
    closeSync(parent)
  }
  if (linksLeft === 0) {
    throw new BryoError('MOUNT', `cannot create "${path}" inside the container: a loop of symbolic links`)
  }
  const next = link.startsWith('/') ? link : `${parentPath}/${link}`
  return ensure({ ...context, linksLeft: linksLeft - 1 }, next)
}

/** Undefined where something is there, which can only be a link: what it leads to is missing. */
function create(parent: number, name: string, kind: 'directory' | 'file'): number | undefined {
  return unlessErrno(
    () => (kind === 'directory' ? createDirectory(parent, name) : createFile(parent, name)),
    'EEXIST',
  )
}

function createDirectory(parent: number, name: string): number {
  mkdirat(parent, name, 0o755)
  return openat2({ dirfd: parent, path: name, flags: O.path | O.directory | O.nofollow })
}

function createFile(parent: number, name: string): number {
  return openat2({ dirfd: parent, path: name, flags: O.wronly | O.creat | O.excl | O.nofollow, mode: 0o644 })
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
