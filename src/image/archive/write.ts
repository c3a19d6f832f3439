import { createHash } from 'node:crypto'
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import type { TarHeader } from '../../base/tarEntry.ts'
import { O } from '../../syscall/file.ts'
import { createFdTarWriter, fdSink } from '../tar/write.ts'
import type { SaveEntry } from './savePlan.ts'

/** Gives a read-only fd of a blob's content, which is closed here. */
export type OpenBlob = (blob: Descriptor) => number

/**
 * Writes the files as a tar that depends on nothing but them. Every blob is verified on its way; what was written before an error is
 * the caller's to remove.
 * @param fd any; the archive starts where it stands
 * @throws BryoError DIGEST_MISMATCH; errors of writing as they are (EPIPE, ENOSPC)
 */
export function writeArchive(fd: number, entries: readonly SaveEntry[], openBlob: OpenBlob): void {
  const tar = createFdTarWriter(fd)
  for (const name of directoriesOf(entries)) tar.add(headerOf(name, 'directory', 0))
  for (const entry of entries) {
    const size = entry.kind === 'document' ? entry.bytes.byteLength : entry.blob.size
    tar.add(headerOf(entry.name, 'file', size))
    copyEntry(entry, openBlob, tar.content)
  }
  tar.finish()
}

/** As {@link writeArchive}, as files below a directory that is there and empty. */
export function writeArchiveDirectory(
  directory: string,
  entries: readonly SaveEntry[],
  openBlob: OpenBlob,
): void {
  for (const name of directoriesOf(entries)) mkdirSync(join(directory, name), { mode: 0o755 })
  for (const entry of entries) {
    const fd = openSync(join(directory, entry.name), O.wronly | O.creat | O.excl | O.nofollow, 0o644)
    try {
      copyEntry(entry, openBlob, fdSink(fd))
    } finally {
      closeSync(fd)
    }
  }
}

function copyEntry(entry: SaveEntry, openBlob: OpenBlob, sink: (data: Uint8Array) => void): void {
  if (entry.kind === 'document') sink(entry.bytes)
  else copyBlob(entry.blob, openBlob, sink)
}

const CHUNK_SIZE = 1024 * 1024

function copyBlob(blob: Descriptor, openBlob: OpenBlob, sink: (data: Uint8Array) => void): void {
  const fd = openBlob(blob)
  try {
    const { size } = fstatSync(fd)
    if (size !== blob.size) throw damaged(blob, `it has ${size} bytes, expected ${blob.size}`)
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_SIZE, size)))
    for (let left = size; left > 0; ) {
      const count = readSync(fd, chunk, 0, Math.min(left, chunk.byteLength), null)
      if (count === 0) throw damaged(blob, 'it became shorter')
      hash.update(chunk.subarray(0, count))
      sink(chunk.subarray(0, count))
      left -= count
    }
    if (hash.digest('hex') !== digestHex(blob.digest)) throw damaged(blob, 'its content is another one')
  } finally {
    closeSync(fd)
  }
}

function damaged({ digest }: Descriptor, found: string): BryoError {
  return new BryoError('DIGEST_MISMATCH', `cannot save blob ${digest}: ${found}`, {
    hint: 'the store is damaged: bryo system check --repair',
  })
}

/** Parents before what is in them. */
function directoriesOf(entries: readonly SaveEntry[]): readonly string[] {
  const parents = entries.flatMap(({ name }) => {
    const parts = dirname(name).split('/')
    return parts[0] === '.' ? [] : parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  })
  return [...new Set(parents)].sort()
}

function headerOf(name: string, type: 'file' | 'directory', size: number): TarHeader {
  return {
    name: Buffer.from(type === 'directory' ? `${name}/` : name),
    type,
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: { seconds: 0n, nanoseconds: 0n },
    linkName: Buffer.alloc(0),
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map(),
  }
}
