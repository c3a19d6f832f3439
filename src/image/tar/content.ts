import { ftruncateSync, writeSync } from 'node:fs'
import type { SparseExtent, TarContent } from '../../base/tarEntry.ts'
import type { TarInput } from './input.ts'

/** The data of the entry that the reader stands at. */
export interface EntryBody {
  readonly content: TarContent
  /** Moves on to the next header; later reads of this content are an error. */
  finish(): void
}

export interface BodyLayout {
  /** Bytes of the file. */
  readonly size: number
  /** Bytes in the archive. */
  readonly stored: number
  /** Zeros after them. */
  readonly padding: number
  readonly extents: readonly SparseExtent[] | undefined
}

/** The input stands at the first stored byte; what is no file has none. */
export function openBody(input: TarInput, layout: BodyLayout): EntryBody {
  const extents = layout.extents ?? [{ offset: 0, length: layout.size }]
  let stored = layout.stored
  let position = 0
  let extentIndex = 0
  let finished = false

  const assertCurrent = () => {
    if (finished) throw new Error('the content of a tar entry was read after the next entry')
  }
  /** Hands out at most `limit` stored bytes; the caller has used them when it returns. */
  const take = (limit: number, use: (part: Buffer) => void): number => {
    const part = input.peek(limit)
    use(part)
    input.consume(part.length)
    stored -= part.length
    position += part.length
    return part.length
  }

  const read = (buffer: Uint8Array): number => {
    assertCurrent()
    for (;;) {
      const limit = Math.min(buffer.byteLength, layout.size - position)
      if (limit === 0) return 0
      const extent = extents[extentIndex]
      const holeEnd = extent ? extent.offset : layout.size
      if (position < holeEnd) {
        const count = Math.min(limit, holeEnd - position)
        buffer.fill(0, 0, count)
        position += count
        return count
      }
      const left = extent ? extent.offset + extent.length - position : 0
      if (left > 0) return take(Math.min(limit, left), (part) => buffer.set(part))
      extentIndex++
    }
  }

  const copyTo = (fd: number): void => {
    assertCurrent()
    for (const extent of extents) {
      // A write at the file's own position is all that a pipe knows.
      const seek = layout.extents !== undefined
      position = extent.offset
      const end = extent.offset + extent.length
      while (position < end) take(end - position, (part) => writeAll(fd, part, seek ? position : null))
    }
    if (layout.extents !== undefined) ftruncateSync(fd, layout.size)
    position = layout.size
  }

  const finish = (): void => {
    finished = true
    input.skip(stored + layout.padding)
  }
  return { content: { read, copyTo }, finish }
}

function writeAll(fd: number, data: Buffer, position: number | null): void {
  let offset = 0
  while (offset < data.length) {
    const at = position === null ? null : position + offset
    offset += writeSync(fd, data, offset, data.length - offset, at)
  }
}
