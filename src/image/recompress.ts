import type { Transform } from 'node:stream'
import { BryoError } from '../base/errors.ts'
import { type DecompressInput, decompressTo } from './compression.ts'
import { createParallelGzip } from './parallelGzip.ts'

export interface RecompressOptions {
  readonly to: 'gzip' | 'zstd'
  /** The format's own default where absent. */
  readonly level?: number | undefined
}

const CHUNK = 256 * 1024

/**
 * Reads a layer in any compression and gives it in another, in constant memory. The same input and level give the same bytes.
 * @throws BryoError INVALID_ARCHIVE for damaged data, UNSUPPORTED
 */
export async function* recompress(
  input: DecompressInput,
  options: RecompressOptions,
): AsyncGenerator<Uint8Array> {
  if (options.to === 'gzip') yield* throughGzip(input, options.level)
  else yield* throughZstd(input, options.level)
}

async function* throughGzip(input: DecompressInput, level: number | undefined): AsyncGenerator<Uint8Array> {
  const { availableParallelism } = await import('node:os')
  const gzip = await createParallelGzip({ level, parallel: availableParallelism() + 1 })
  const fed = decompressTo(input, gzip.write).then(gzip.end).catch(gzip.stop)
  try {
    yield* gzip.output()
  } finally {
    gzip.stop(undefined)
    await fed
  }
}

async function* throughZstd(input: DecompressInput, level: number | undefined): AsyncGenerator<Uint8Array> {
  const encoder = await createZstd(level)
  const feed = async (chunk: Uint8Array) => {
    if (encoder.write(chunk)) return
    await new Promise<void>((resolve) => {
      const go = () => {
        encoder.off('drain', go)
        encoder.off('close', go)
        resolve()
      }
      encoder.on('drain', go)
      encoder.on('close', go)
    })
  }
  const fed = decompressTo(input, feed).then(
    () => encoder.end(),
    (error: unknown) => encoder.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  try {
    for await (const chunk of encoder) if (chunk instanceof Uint8Array) yield chunk
  } finally {
    encoder.destroy()
    await fed
  }
}

async function createZstd(level: number | undefined): Promise<Transform> {
  const zlib = await import('node:zlib')
  if (typeof zlib.createZstdCompress !== 'function') {
    throw new BryoError('UNSUPPORTED', 'cannot compress with zstd: this runtime has none')
  }
  const params = level === undefined ? {} : { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } }
  return zlib.createZstdCompress({ chunkSize: CHUNK, ...params })
}
