import { readSync } from 'node:fs'
import { invalidArchive } from './error.ts'

/** Where an archive comes from. */
export interface TarSource {
  /** Blocks until it has bytes; 0 at the end. */
  read(buffer: Uint8Array): number
  /** Moves on by exactly `bytes` without reading them, where the source can. @throws BryoError INVALID_ARCHIVE past the end */
  skip?(bytes: number): void
}

/** Reads an fd from where it stands. */
export function fdSource(fd: number): TarSource {
  return { read: (buffer) => readSync(fd, buffer, 0, buffer.byteLength, null) }
}

/** Reads whatever follows an archive: its writer must be able to write it, and it counts for a digest. */
export function drain(fd: number): void {
  const buffer = Buffer.allocUnsafe(64 * 1024)
  while (readSync(fd, buffer, 0, buffer.length, null) > 0);
}

export const BLOCK_SIZE = 512

/** One buffer in front of a source: memory stays the same whatever the archive holds. */
export interface TarInput {
  /** Bytes consumed so far. */
  position(): number
  /** The next 512 bytes, valid until the next call; undefined at a clean end. */
  block(): Buffer | undefined
  /** Some of the next bytes (at least one, at most `limit`), not consumed; valid until the next call. */
  peek(limit: number): Buffer
  consume(bytes: number): void
  skip(bytes: number): void
}

const DEFAULT_BUFFER_SIZE = 512 * 1024

export function createTarInput(source: TarSource, bufferSize = DEFAULT_BUFFER_SIZE): TarInput {
  const buffer = Buffer.allocUnsafe(Math.max(bufferSize, 2 * BLOCK_SIZE))
  let start = 0
  let end = 0
  let consumed = 0

  /** Reads until at least `wanted` bytes are there; false where the source ends before. */
  const fill = (wanted: number): boolean => {
    if (start > 0) {
      buffer.copyWithin(0, start, end)
      end -= start
      start = 0
    }
    while (end < wanted) {
      const count = source.read(buffer.subarray(end))
      if (count === 0) return false
      end += count
    }
    return true
  }
  const consume = (bytes: number) => {
    start += bytes
    consumed += bytes
  }

  return {
    position: () => consumed,
    block: () => {
      if (end - start < BLOCK_SIZE && !fill(BLOCK_SIZE)) {
        if (start === end) return undefined
        throw invalidArchive('it is truncated within a header')
      }
      const view = buffer.subarray(start, start + BLOCK_SIZE)
      consume(BLOCK_SIZE)
      return view
    },
    peek: (limit) => {
      if (start === end && !fill(1)) throw invalidArchive('it is truncated within an entry')
      return buffer.subarray(start, Math.min(end, start + limit))
    },
    consume,
    skip: (bytes) => {
      const buffered = Math.min(bytes, end - start)
      consume(buffered)
      let rest = bytes - buffered
      if (rest > 0 && source.skip) {
        source.skip(rest)
        consumed += rest
        return
      }
      while (rest > 0) {
        if (!fill(1)) throw invalidArchive('it is truncated within an entry')
        const count = Math.min(rest, end - start)
        consume(count)
        rest -= count
      }
    },
  }
}
