import { closeSync, lstatSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import type { TarEntryType, TarHeader } from '../../base/tarEntry.ts'
import { lgetxattr, llistxattr, O } from '../../syscall/file.ts'

/** A file or directory of a tree, as an archive describes it. */
export interface TreeEntry {
  readonly header: TarHeader
  /** Of a file with content: open for reading from its start, closed when the next entry is asked for. */
  readonly fd: number | undefined
}

const EMPTY = Buffer.alloc(0)
const SLASH = Buffer.from('/')
const NANOSECONDS = 1_000_000_000n

/**
 * All that is in the root directory of this process, the root first and directories before what is in them. Meant for a
 * process that has changed its root: whatever others do in the tree meanwhile, no link leads out of it. Sockets and device
 * nodes are left out; what vanishes meanwhile is too.
 */
export function* treeEntries(): Generator<TreeEntry, void, undefined> {
  const links = new Map<string, Buffer>()
  yield* entriesOf(EMPTY, links)
}

function* entriesOf(path: Buffer, links: Map<string, Buffer>): Generator<TreeEntry, void, undefined> {
  const entry = readEntry(path, links)
  if (!entry) return
  try {
    yield entry
  } finally {
    if (entry.fd !== undefined) closeSync(entry.fd)
  }
  if (entry.header.type !== 'directory') return
  const names = ifThere(() => readdirSync(absolute(path), { encoding: 'buffer' })) ?? []
  for (const name of names.sort(Buffer.compare)) {
    yield* entriesOf(path.length === 0 ? name : Buffer.concat([path, SLASH, name]), links)
  }
}

function readEntry(path: Buffer, links: Map<string, Buffer>): TreeEntry | undefined {
  const place = absolute(path)
  const stat = ifThere(() => lstatSync(place, { bigint: true }))
  const type = stat && typeOf(stat)
  if (!stat || !type) return undefined
  const key = `${stat.dev}:${stat.ino}`
  const isLinked = stat.nlink > 1n && type !== 'directory'
  const first = isLinked ? links.get(key) : undefined
  if (isLinked && !first) links.set(key, path)
  const seconds = stat.mtimeNs / NANOSECONDS - (stat.mtimeNs % NANOSECONDS < 0n ? 1n : 0n)
  const header: TarHeader = {
    name: type === 'directory' ? Buffer.concat([path.length === 0 ? Buffer.from('.') : path, SLASH]) : path,
    type: first ? 'hardlink' : type,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: first || type !== 'file' ? 0 : Number(stat.size),
    mtime: { seconds, nanoseconds: stat.mtimeNs - seconds * NANOSECONDS },
    linkName: first ?? (type === 'symlink' ? readlinkSync(place, { encoding: 'buffer' }) : EMPTY),
    devMajor: 0,
    devMinor: 0,
    xattrs: first ? new Map() : xattrsOf(place),
  }
  if (header.size === 0) return { header, fd: undefined }
  const fd = ifThere(() => openSync(place, O.rdonly | O.nofollow | O.nonblock | O.cloexec))
  return fd === undefined ? undefined : { header, fd }
}

function absolute(path: Buffer): Buffer {
  return Buffer.concat([SLASH, path])
}

function typeOf(stat: {
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
  isFIFO(): boolean
}): TarEntryType | undefined {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  return stat.isFIFO() ? 'fifo' : undefined
}

/** Attributes of the overlay drivers are bookkeeping of this host. */
const DRIVER_XATTR = /^user\.(?:overlay|fuseoverlayfs|containers)\./

function xattrsOf(place: Buffer): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const name of ifThere(() => llistxattr(place), 'ENOTSUP', 'EOPNOTSUPP') ?? []) {
    if (name !== 'security.capability' && !name.startsWith('user.')) continue
    const value = DRIVER_XATTR.test(name) ? undefined : lgetxattr(place, name)
    if (value) found.set(name, value)
  }
  return found
}

/** undefined for what is gone by now, or has become something else. */
function ifThere<T>(read: () => T, ...others: readonly string[]): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', ...others)) return undefined
    throw error
  }
}
