import { close, open, read, write } from 'node:fs'

const CHUNK_SIZE = 256 * 1024

/**
 * A path's or an fd's bytes from where it stands, in fresh buffers; other sources as they are. A path is opened at the
 * first chunk and closed with the generator.
 */
export function readChunks(input: string | number | AsyncIterable<Uint8Array>): AsyncIterator<Uint8Array> {
  if (typeof input === 'number') return fdChunks(input)
  if (typeof input === 'string') return fileChunks(input)
  return input[Symbol.asyncIterator]()
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const fd = await new Promise<number>((resolve, reject) => {
    open(path, 'r', (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  try {
    yield* fdChunks(fd)
  } finally {
    await new Promise<void>((resolve, reject) => close(fd, (error) => (error ? reject(error) : resolve())))
  }
}

async function* fdChunks(fd: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE)
    const count = await new Promise<number>((resolve, reject) => {
      read(fd, buffer, 0, CHUNK_SIZE, null, (error, bytes) => (error ? reject(error) : resolve(bytes)))
    })
    if (count === 0) return
    yield buffer.subarray(0, count)
  }
}

/** Writes all of it at the fd's own position; the promise ends when the other side has taken it. */
export async function writeAll(fd: number, data: Uint8Array): Promise<void> {
  let offset = 0
  while (offset < data.byteLength) {
    const from = offset
    offset += await new Promise<number>((resolve, reject) => {
      write(fd, data, from, data.byteLength - from, null, (error, bytes) =>
        error ? reject(error) : resolve(bytes),
      )
    })
  }
}
