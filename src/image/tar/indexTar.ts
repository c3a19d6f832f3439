import { fstatSync, readSync } from 'node:fs'
import type { TarEntryType } from '../../base/tarEntry.ts'
import { invalidArchive } from './error.ts'
import { createTarInput, type TarSource } from './input.ts'
import { type ReadTarOptions, readMembers } from './read.ts'

/** Where a file lies in an archive. */
export interface TarIndexEntry {
  /** As in the archive, nothing cleaned; what is no UTF-8 becomes U+FFFD. */
  readonly name: string
  readonly type: TarEntryType
  /** Bytes of the file. */
  readonly size: number
  /** Of its first byte in the archive. */
  readonly offset: number
  readonly linkName: string
  /** True: its data is not one run of bytes, so `offset` does not help. */
  readonly sparse: boolean
}

const MAX_ENTRIES = 100_000

/**
 * Lists an archive in a regular file without reading its contents. The fd's own position is neither used nor moved.
 * @throws BryoError INVALID_ARCHIVE, for too many entries too
 */
export function indexTar(fd: number, options: ReadTarOptions = {}): readonly TarIndexEntry[] {
  // Small reads: between two headers there is mostly content that is skipped.
  const input = createTarInput(seekableSource(fd), options.bufferSize ?? 16 * 1024)
  const index: TarIndexEntry[] = []
  for (const { entry, dataOffset } of readMembers(input, options)) {
    if (index.length === MAX_ENTRIES) throw invalidArchive(`it has more than ${MAX_ENTRIES} entries`)
    index.push({
      name: entry.name.toString('utf8'),
      type: entry.type,
      size: entry.size,
      offset: dataOffset,
      linkName: entry.linkName.toString('utf8'),
      sparse: entry.sparse !== undefined,
    })
  }
  return index
}

function seekableSource(fd: number): TarSource {
  const { size } = fstatSync(fd)
  let position = 0
  return {
    read: (buffer) => {
      const count = readSync(fd, buffer, 0, buffer.byteLength, position)
      position += count
      return count
    },
    skip: (bytes) => {
      position += bytes
      if (position > size) throw invalidArchive('it is truncated within an entry')
    },
  }
}
