import { writeSync } from 'node:fs'
import type { TarHeader } from '../../base/tarEntry.ts'
import { BLOCK_SIZE } from './input.ts'
import { encodeTarHeader } from './writeHeader.ts'

/** Takes all bytes before it returns, or throws. */
export type TarSink = (data: Uint8Array) => void

export function fdSink(fd: number): TarSink {
  return (data) => {
    let offset = 0
    while (offset < data.byteLength) offset += writeSync(fd, data, offset, data.byteLength - offset)
  }
}

export interface TarWriter {
  /** Starts an entry; exactly `header.size` bytes of content must follow for a file, none for other types. */
  add(header: TarHeader): void
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
  return {
    add: (header) => {
      closeEntry()
      if (header.type !== 'file' && header.size !== 0)
        throw new Error(`a ${header.type} in a tar has no size`)
      sink(encodeTarHeader(header))
      missing = header.size
      padding = -header.size & (BLOCK_SIZE - 1)
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
