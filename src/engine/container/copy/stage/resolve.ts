import { closeSync } from 'node:fs'
import { BryoError, isErrno, unlessErrno } from '../../../../base/errors.ts'
import { nodeOf, openNode, readLinkOf, type TreeNode } from '../../../../storage/tree/node.ts'
import { AT_FDCWD, O, openat2 } from '../../../../syscall/file.ts'
import { openInRoot } from '../../../../syscall/rootPath.ts'

/** Opens something; a path that cannot be followed becomes an error for the user. */
export function explained<T>(path: string, open: () => T): T {
  try {
    return open()
  } catch (error) {
    const problem = PATH_PROBLEMS.find(({ errno }) => isErrno(error, errno))
    if (!problem) throw error
    throw new BryoError(problem.code, `cannot follow "${path}": ${problem.found}`, { cause: error })
  }
}

const PATH_PROBLEMS = [
  { errno: 'ELOOP', code: 'NOT_FOUND', found: 'too many symbolic links, or one of /proc' },
  { errno: 'ENAMETOOLONG', code: 'USAGE', found: 'the name is too long' },
  { errno: 'EACCES', code: 'PERMISSION', found: 'permission denied' },
  { errno: 'EAGAIN', code: 'IN_USE', found: 'it does not stop changing' },
] as const

/** How one side opens its paths, which are absolute. */
export interface PathRoot {
  readonly kind: 'container' | 'host'
  /** @throws SyscallError */
  readonly open: (path: string, flags: number) => number
}

/** Every path ends in the container's root, whatever links say. */
export function containerPaths(rootFd: number): PathRoot {
  return { kind: 'container', open: (path, flags) => openPatiently(rootFd, path, flags) }
}

const ATTEMPTS = 100

/** While somebody moves directories about, the kernel cannot always tell that `..` stays inside. @see openat2(2) EAGAIN */
function openPatiently(rootFd: number, path: string, flags: number): number {
  for (let attempt = 1; ; attempt++) {
    try {
      return openInRoot(rootFd, path, flags)
    } catch (error) {
      if (!isErrno(error, 'EAGAIN') || attempt === ATTEMPTS) throw error
    }
  }
}

/** The caller's own paths, as the kernel follows them. */
export function hostPaths(): PathRoot {
  return { kind: 'host', open: (path, flags) => openat2({ dirfd: AT_FDCWD, path, flags }) }
}

/** Where a path leads to: the directory that holds the last name, and what has that name. */
export interface ResolvedPath extends Disposable {
  readonly parentFd: number
  /** One character a byte; empty for the root. */
  readonly name: string
  /** undefined where nothing has the name; never a link. */
  readonly node: TreeNode | undefined
}

export interface ResolveOptions {
  /** A link to nothing stands for itself instead of for what it names: it is then missing under its own name. */
  readonly keepDangling?: boolean
}

/** As many links as the kernel follows in one path. @see path_resolution(7) */
const MAX_LINKS = 40

/**
 * Follows a path to its end, the last link included; undefined where there is no directory to look in.
 * @throws SyscallError EACCES and the like
 */
export function resolvePath(
  root: PathRoot,
  path: string,
  options: ResolveOptions = {},
): ResolvedPath | undefined {
  const found = follow(root, path, MAX_LINKS)
  if (!options.keepDangling || found?.node !== undefined) return found
  found?.[Symbol.dispose]()
  return follow(root, path, 0)
}

function follow(root: PathRoot, path: string, linksLeft: number): ResolvedPath | undefined {
  const { parent, name, onlyDirectory } = splitPath(path)
  const parentFd = openDirectory(root, parent)
  if (parentFd === undefined) return undefined
  if (name === '' || name === '.' || name === '..') return directoryItself(parentFd, root, path)
  const node = openNode(parentFd, Buffer.from(name))
  if (node?.facts.type !== 'symlink' || linksLeft === 0) {
    const usable = onlyDirectory && node?.facts.type !== 'directory' ? undefined : node
    if (usable !== node) node?.[Symbol.dispose]()
    if (onlyDirectory && !usable) {
      closeSync(parentFd)
      return undefined
    }
    const shown = usable?.facts.type === 'symlink' ? undefined : usable
    return resolved(parentFd, name, shown)
  }
  const link = readLinkOf(node.fd).toString()
  node[Symbol.dispose]()
  closeSync(parentFd)
  const next = link.startsWith('/') ? link : `${parent}/${link}`
  return follow(root, onlyDirectory ? `${next}/` : next, linksLeft - 1)
}

function resolved(parentFd: number, name: string, node: TreeNode | undefined): ResolvedPath {
  return {
    parentFd,
    name: Buffer.from(name).toString('latin1'),
    node,
    [Symbol.dispose]: () => {
      node?.[Symbol.dispose]()
      closeSync(parentFd)
    },
  }
}

/** `/`, and paths that end with `..`: directories under names that nobody has given. */
function directoryItself(parentFd: number, root: PathRoot, path: string): ResolvedPath | undefined {
  const fd = openDirectory(root, path)
  if (fd !== undefined) return resolved(parentFd, '', nodeOf(fd))
  closeSync(parentFd)
  return undefined
}

function splitPath(path: string) {
  const onlyDirectory = /\/\.?$/.test(path)
  const trimmed = path.replace(/(?:\/+\.?)+$/, '')
  const slash = trimmed.lastIndexOf('/')
  return { parent: trimmed.slice(0, slash + 1) || '/', name: trimmed.slice(slash + 1), onlyDirectory }
}

function openDirectory(root: PathRoot, path: string): number | undefined {
  return unlessErrno(() => root.open(path, O.path | O.directory), 'ENOENT', 'ENOTDIR')
}
