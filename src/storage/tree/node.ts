import { type BigIntStats, closeSync, fstatSync, openSync, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { unlessErrno } from '../../base/errors.ts'
import type { TarTime } from '../../base/tarEntry.ts'
import type { NodeFacts, NodeType } from '../../base/treeEntry.ts'
import { SyscallError } from '../../syscall/error.ts'
import { O, RESOLVE, readlinkat, tryOpenat2 } from '../../syscall/file.ts'
import { fdXattr, fdXattrNames } from '../../syscall/xattr.ts'
import { readOverride } from '../apply/override.ts'
import { xattrPolicy } from '../apply/xattrs.ts'

/** A file of any type that is open without being read, and what it was when it was opened. */
export interface TreeNode extends Disposable {
  /** O_PATH. */
  readonly fd: number
  readonly facts: NodeFacts
}

/** One component, never through a link: whoever swaps files meanwhile changes what is found, not where it is looked for. */
const ONLY_HERE = RESOLVE.beneath | RESOLVE.noSymlinks | RESOLVE.noMagiclinks

/** undefined where it is gone. */
export function openNode(dirfd: number, name: Buffer): TreeNode | undefined {
  const fd = tryOpenat2({ dirfd, path: name, flags: O.path | O.nofollow, resolve: ONLY_HERE })
  if (fd >= 0) return nodeOf(fd)
  if (-fd === constants.errno.ENOENT) return undefined
  throw new SyscallError('openat2', -fd, { path: String(name) })
}

/** Takes the fd over. */
export function nodeOf(fd: number): TreeNode {
  try {
    return { fd, facts: nodeFacts(fd), [Symbol.dispose]: () => closeSync(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** The same file of a tree that has owners and modes in attributes; what can have no attributes, such as a link, is root's. */
export function asSharedNode(node: TreeNode): TreeNode {
  const { facts } = node
  const override =
    facts.type === 'file' || facts.type === 'directory' ? readOverride(node.fd) : { uid: 0, gid: 0 }
  return { ...node, facts: { ...facts, ...override } }
}

function nodeFacts(fd: number): NodeFacts {
  const stats = fstatSync(fd, { bigint: true })
  const type = typeOf(stats)
  const device = type === 'character' || type === 'block'
  return {
    type,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: type === 'file' ? Number(stats.size) : 0,
    mtime: timeOf(stats.mtimeNs),
    links: Number(stats.nlink),
    key: `${stats.dev}:${stats.ino}`,
    devMajor: device ? major(stats.rdev) : 0,
    devMinor: device ? minor(stats.rdev) : 0,
  }
}

function typeOf(stats: BigIntStats): NodeType {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isCharacterDevice()) return 'character'
  if (stats.isBlockDevice()) return 'block'
  return 'socket'
}

const SECOND = 1_000_000_000n

function timeOf(total: bigint): TarTime {
  const nanoseconds = ((total % SECOND) + SECOND) % SECOND
  return { seconds: (total - nanoseconds) / SECOND, nanoseconds }
}

/** @see makedev(3) */
function major(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n))
}

function minor(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n))
}

/** Names in a directory, by their bytes; none in one that somebody has removed meanwhile. */
export function readNames(fd: number): readonly Buffer[] {
  const names = unlessErrno(() => readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }), 'ENOENT') ?? []
  return names.sort(Buffer.compare)
}

export function readLinkOf(fd: number): Buffer {
  return readlinkat(fd, '')
}

/** As in layers: users' attributes and file capabilities, none of the overlay drivers'. By name. */
export function portableXattrs(fd: number): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const name of fdXattrNames(fd)) {
    const value = xattrPolicy(name) === 'set' ? fdXattr(fd, name) : undefined
    if (value) found.set(name, value)
  }
  return found
}

/** To be called for a regular file only: anything else could block, or do something. */
export function openContentOf(fd: number): number {
  return openSync(`/proc/self/fd/${fd}`, O.rdonly | O.nonblock | O.noctty | O.cloexec)
}
