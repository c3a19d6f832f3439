import type { Transform } from 'node:stream'
import { BryoError } from '../base/errors.ts'
import { type DecompressInput, decompressTo } from './compression.ts'

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
  const encoder = await createEncoder(options)
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

async function createEncoder({ to, level }: RecompressOptions): Promise<Transform> {
  const zlib = await import('node:zlib')
  if (to === 'gzip') return zlib.createGzip({ chunkSize: CHUNK, ...(level === undefined ? {} : { level }) })
  if (typeof zlib.createZstdCompress !== 'function') {
    throw new BryoError('UNSUPPORTED', 'cannot compress with zstd: this runtime has none')
  }
  const params = level === undefined ? {} : { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } }
  return zlib.createZstdCompress({ chunkSize: CHUNK, ...params })
}
