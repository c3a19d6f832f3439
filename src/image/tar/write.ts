import { writeSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'
import type { SparseExtent, TarHeader } from '../../base/tarEntry.ts'
import { POLL, pollMany } from '../../syscall/poll.ts'
import { BLOCK_SIZE } from './input.ts'
import { encodeTarHeader } from './writeHeader.ts'

/** Takes all bytes before it returns, or throws. */
export type TarSink = (data: Uint8Array) => void

export function fdSink(fd: number): TarSink {
  return (data) => {
    let offset = 0
    while (offset < data.byteLength) offset += writeSome(fd, data, offset)
  }
}

/** Also where another program has made the pipe non-blocking: then it waits. */
function writeSome(fd: number, data: Uint8Array, offset: number): number {
  try {
    return writeSync(fd, data, offset, data.byteLength - offset)
  } catch (error) {
    if (!isErrno(error, 'EAGAIN')) throw error
    pollMany([{ fd, events: POLL.out }], -1)
    return 0
  }
}

const BUFFER_SIZE = 256 * 1024

/** As {@link fdSink}, a few large writes instead of many small ones; `flush` writes what is left. */
function bufferedSink(fd: number): { readonly sink: TarSink; readonly flush: () => void } {
  const write = fdSink(fd)
  const buffer = Buffer.allocUnsafe(BUFFER_SIZE)
  let length = 0
  const flush = (): void => {
    write(buffer.subarray(0, length))
    length = 0
  }
  const sink = (data: Uint8Array): void => {
    if (length + data.byteLength > BUFFER_SIZE) flush()
    if (data.byteLength >= BUFFER_SIZE) {
      write(data)
      return
    }
    buffer.set(data, length)
    length += data.byteLength
  }
  return { sink, flush }
}

/** {@link createTarWriter} for an fd; `finish` leaves nothing unwritten. */
export function createFdTarWriter(fd: number): TarWriter {
  const { sink, flush } = bufferedSink(fd)
  const writer = createTarWriter(sink)
  return {
    ...writer,
    finish: () => {
      writer.finish()
      flush()
    },
  }
}

export interface TarWriter {
  /** Starts an entry; exactly `header.size` bytes of content must follow for a file, none for other types. */
  add(header: TarHeader): void
  /** As `add`, for a file with holes: exactly the extents' bytes must follow. They are in order and apart. */
  addSparse(header: TarHeader, extents: readonly SparseExtent[]): void
  /** The next bytes of the entry's content. */
  content(data: Uint8Array): void
  /** Closes the archive. */
  finish(): void
}

/**
 * Writes a pax archive that depends on nothing but its entries.
 * @throws Error where the content has another length than its header says
 */
export function createTarWriter(sink: TarSink): TarWriter {
  let missing = 0
  let padding = 0

  const closeEntry = () => {
    if (missing !== 0) throw new Error(`the content of a tar entry is ${missing} bytes short`)
    if (padding > 0) sink(Buffer.alloc(padding))
    padding = 0
  }
  const begin = (stored: number): void => {
    missing = stored
    padding = -stored & (BLOCK_SIZE - 1)
  }
  return {
    add: (header) => {
      closeEntry()
      if (header.type !== 'file' && header.size !== 0)
        throw new Error(`a ${header.type} in a tar has no size`)
      sink(encodeTarHeader(header))
      begin(header.size)
    },
    addSparse: (header, extents) => {
      closeEntry()
      const map = sparseMap(extents, header.size)
      const data = extents.reduce((sum, { length }) => sum + length, 0)
      sink(encodeTarHeader(header, { stored: map.length + data }))
      sink(map)
      begin(data)
    },
    content: (data) => {
      if (data.byteLength > missing)
        throw new Error('the content of a tar entry is longer than its header says')
      missing -= data.byteLength
      sink(data)
    },
    finish: () => {
      closeEntry()
      sink(Buffer.alloc(2 * BLOCK_SIZE))
    },
  }
}

/** The numbers in decimal, a line each, padded to whole blocks; an empty extent at the end says where the file ends. */
function sparseMap(extents: readonly SparseExtent[], size: number): Buffer {
  const last = extents.at(-1)
  const ends = last !== undefined && last.offset + last.length === size
  const all = ends ? extents : [...extents, { offset: size, length: 0 }]
  const text = `${all.length}\n${all.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`
  const map = Buffer.alloc(Math.ceil(text.length / BLOCK_SIZE) * BLOCK_SIZE)
  map.write(text, 'latin1')
  return map
}
