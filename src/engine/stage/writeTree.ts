import { closeSync, readSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { SparseExtent, TarHeader } from '../../base/tarEntry.ts'
import type { TreeEntry } from '../../base/treeEntry.ts'
import type { TarSink, TarWriter } from '../../image/tar/write.ts'
import { dataExtents } from '../../storage/tree/extents.ts'

/** What a copy changes about the files; names are raw, without a slash at either end. */
export interface WriteTreeOptions {
  /** The name in the archive; undefined leaves the file out. */
  readonly nameOf?: (path: Buffer) => Buffer | undefined
}

/** One archive in the making. */
export interface TreeWriter {
  add(entry: TreeEntry): void
  finish(): void
}

const COPY_SIZE = 1024 * 1024
const SLASH = Buffer.from('/')
const NONE = Buffer.alloc(0)

/**
 * Writes files of a tree into an archive: a further name of a file as a hard link, large holes left out. Sockets are left out,
 * as no archive has them. Memory does not grow with the tree, but for the files that have several names.
 */
export function createTreeWriter(tar: TarWriter, { nameOf }: WriteTreeOptions = {}): TreeWriter {
  const written = new Map<string, Buffer>()
  const buffer = Buffer.allocUnsafe(COPY_SIZE)
  const add = (entry: TreeEntry): void => {
    const { facts } = entry
    const name = nameOf ? nameOf(entry.path) : entry.path
    if (name === undefined || facts.type === 'socket') return
    const first = facts.links > 1 && facts.type !== 'directory' ? written.get(facts.key) : undefined
    if (first) {
      tar.add({ ...headerOf(entry, name), type: 'hardlink', size: 0, linkName: first, xattrs: new Map() })
      return
    }
    if (facts.type === 'file') addFile(tar, entry, { name, buffer })
    else tar.add(headerOf(entry, name))
    if (facts.links > 1 && facts.type !== 'directory') written.set(facts.key, name)
  }
  return { add, finish: () => tar.finish() }
}

function headerOf(entry: TreeEntry, name: Buffer): TarHeader {
  const { type, mode, uid, gid, size, mtime, devMajor, devMinor } = entry.facts
  if (type === 'socket') throw new Error('a socket has no place in an archive')
  return {
    name: type === 'directory' ? Buffer.concat([name, SLASH]) : name,
    type,
    mode,
    uid,
    gid,
    size,
    mtime,
    linkName: type === 'symlink' ? entry.linkTarget() : NONE,
    devMajor,
    devMinor,
    xattrs: entry.xattrs(),
  }
}

interface FileCopy {
  readonly name: Buffer
  readonly buffer: Buffer
}

function addFile(tar: TarWriter, entry: TreeEntry, { name, buffer }: FileCopy): void {
  const fd = openContent(entry)
  try {
    const { size } = entry.facts
    const extents = dataExtents(fd, size)
    if (extents) tar.addSparse(headerOf(entry, name), extents)
    else tar.add(headerOf(entry, name))
    for (const extent of extents ?? [{ offset: 0, length: size }]) {
      copyExtent((data) => tar.content(data), { fd, extent, buffer })
    }
  } finally {
    closeSync(fd)
  }
}

function openContent(entry: TreeEntry): number {
  try {
    return entry.openContent()
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM')) throw error
    throw new BryoError('PERMISSION', `cannot read "${entry.path.toString()}": permission denied`, {
      cause: error,
    })
  }
}

/** Exactly the extent's bytes, whatever has become of the file meanwhile: what is gone by now is zeros. */
function copyExtent(
  sink: TarSink,
  { fd, extent, buffer }: { readonly fd: number; readonly extent: SparseExtent; readonly buffer: Buffer },
): void {
  const end = extent.offset + extent.length
  for (let position = extent.offset; position < end; ) {
    const wanted = Math.min(buffer.length, end - position)
    const count = readSync(fd, buffer, 0, wanted, position)
    if (count === 0) buffer.fill(0, 0, wanted)
    const length = count === 0 ? wanted : count
    sink(buffer.subarray(0, length))
    position += length
  }
}
