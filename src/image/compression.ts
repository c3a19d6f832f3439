import type { Hash } from 'node:crypto'
import type { Transform } from 'node:stream'
import type { Digest } from '../base/brand.ts'
import { parseDigest } from '../base/digest.ts'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { readChunks, writeAll } from './fdStream.ts'
import { trackZstdFrames } from './zstdFrames.ts'

export type Compression = 'none' | 'gzip' | 'zstd'

const UNSUPPORTED_MAGIC = [
  { name: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
  { name: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: 'lz4', bytes: [0x04, 0x22, 0x4d, 0x18] },
] as const

/** Bytes that {@link detectCompression} wants to see, where there are so many. */
export const MAGIC_SIZE = 6

/**
 * By the first bytes; whatever has no known mark counts as not compressed.
 * @throws BryoError UNSUPPORTED for bzip2, xz and lz4
 */
export function detectCompression(head: Uint8Array): Compression {
  const starts = (bytes: readonly number[]) => bytes.every((byte, index) => head[index] === byte)
  if (starts([0x1f, 0x8b])) return 'gzip'
  if (starts([0x28, 0xb5, 0x2f, 0xfd])) return 'zstd'
  if (((head[0] ?? 0) & 0xf0) === 0x50 && starts([head[0] ?? 0, 0x2a, 0x4d, 0x18])) return 'zstd'
  const unsupported = UNSUPPORTED_MAGIC.find(({ bytes }) => starts(bytes))
  if (unsupported) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot decompress ${unsupported.name} data, expected gzip, zstd or none`,
      {
        hint: `decompress it with ${unsupported.name} first`,
      },
    )
  }
  return 'none'
}

/** A path, an fd that is read from where it stands, or chunks that nobody changes afterwards. */
export type DecompressInput = string | number | AsyncIterable<Uint8Array>
/** An fd (a pipe may be slow: nothing piles up), or a function that has used the chunk when its promise ends. */
export type DecompressOutput = number | ((chunk: Uint8Array) => Promise<void>)

export interface DecompressOptions {
  /** Asks for the digest of the data as it came. */
  readonly digestInput?: boolean
  /** Asks for the digest of the decompressed data: a layer's diff id. */
  readonly digestOutput?: boolean
  /** Called with the input's bytes so far. */
  readonly onProgress?: (inputBytes: number) => void
  /** Called with the bytes so far before each piece of the output; what it throws ends the work. */
  readonly onOutput?: (inputBytes: number, outputBytes: number) => void
}

export interface DecompressResult {
  readonly compression: Compression
  readonly inputBytes: number
  readonly outputBytes: number
  readonly inputDigest: Digest | undefined
  readonly outputDigest: Digest | undefined
  /**
   * Whether the output is an archive of this digest but for zeros at its end. Writers of zstd:chunked have left them out, and the digest in
   * the image's configuration is that of the archive with them.
   */
  readonly lacksPaddingOf: (digest: Digest) => boolean
}

/**
 * Decompresses all members of gzip and all frames of zstd data, in constant memory. Closes neither side.
 * @throws BryoError INVALID_ARCHIVE for damaged or truncated data, UNSUPPORTED; errors of reading and writing
 *   as they are (EPIPE where the reader of a pipe is gone)
 */
export async function decompressTo(
  input: DecompressInput,
  output: DecompressOutput,
  options: DecompressOptions = {},
): Promise<DecompressResult> {
  const { head, chunks } = await readHead(readChunks(input))
  const compression = detectCompression(head)
  const inputMeter = await createMeter(options.digestInput ?? false)
  const isSame = compression === 'none' && options.digestInput === true
  const outputMeter = await createMeter(options.digestOutput === true && !isSame)

  const measured = async function* () {
    for await (const chunk of chunks) {
      inputMeter.update(chunk)
      yield chunk
      options.onProgress?.(inputMeter.bytes())
    }
  }
  const deliver = async (chunk: Uint8Array) => {
    outputMeter.update(chunk)
    options.onOutput?.(inputMeter.bytes(), outputMeter.bytes())
    await (typeof output === 'number' ? writeAll(output, chunk) : output(chunk))
  }

  if (compression === 'none') for await (const chunk of measured()) await deliver(chunk)
  else await runDecoder(compression, measured(), deliver)
  const inputDigest = inputMeter.digest()
  return {
    compression,
    inputBytes: inputMeter.bytes(),
    outputBytes: outputMeter.bytes(),
    inputDigest,
    outputDigest: isSame && options.digestOutput ? inputDigest : outputMeter.digest(),
    lacksPaddingOf: (digest) => compression === 'zstd' && outputMeter.lacksPaddingOf(digest),
  }
}

async function runDecoder(
  compression: 'gzip' | 'zstd',
  chunks: AsyncIterable<Uint8Array>,
  deliver: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const { pipeline } = await import('node:stream/promises')
  const decoder = await createDecoder(compression)
  const pieces = compression === 'zstd' ? wholeFrames(chunks) : chunks
  try {
    await pipeline(pieces, decoder, async (decoded: AsyncIterable<Uint8Array>) => {
      for await (const chunk of decoded) await deliver(chunk)
    })
  } catch (error) {
    if (!isDecoderError(error)) throw error
    throw new BryoError('INVALID_ARCHIVE', `cannot decompress ${compression} data: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Twice as fast as the default size. */
const DECODER_CHUNK_SIZE = 256 * 1024

async function createDecoder(compression: 'gzip' | 'zstd'): Promise<Transform> {
  const zlib = await import('node:zlib')
  const options = { chunkSize: DECODER_CHUNK_SIZE }
  if (compression === 'gzip') return zlib.createGunzip(options)
  if (typeof zlib.createZstdDecompress !== 'function') {
    throw new BryoError('UNSUPPORTED', 'cannot decompress zstd data: this runtime has no zstd')
  }
  return zlib.createZstdDecompress(options)
}

/**
 * Cuts zstd data at the ends of its frames: one runtime drops what follows a frame in the same write, and another takes
 * a truncated frame for a whole one.
 */
async function* wholeFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const frames = trackZstdFrames()
  for await (const chunk of chunks) {
    let rest = chunk
    while (rest.byteLength > 0) {
      const length = frames.next(rest)
      yield rest.subarray(0, length)
      rest = rest.subarray(length)
    }
  }
  if (!frames.isComplete()) {
    throw new BryoError('INVALID_ARCHIVE', 'cannot decompress zstd data: it is truncated')
  }
}

function isDecoderError(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  const code = String(error.code)
  return (
    code.startsWith('ZSTD_') || isErrno(error, 'Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT', 'Z_STREAM_ERROR')
  )
}

interface Meter {
  update(chunk: Uint8Array): void
  bytes(): number
  digest(): Digest | undefined
  lacksPaddingOf(digest: Digest): boolean
}

/** What tar writes at a time by default, in blocks of 512 bytes. */
const RECORD_BLOCKS = 20

async function createMeter(withDigest: boolean): Promise<Meter> {
  let hash: Hash | undefined
  if (withDigest) hash = (await import('node:crypto')).createHash('sha256')
  let bytes = 0
  return {
    update: (chunk) => {
      bytes += chunk.byteLength
      hash?.update(chunk)
    },
    bytes: () => bytes,
    digest: () => hash && digestOf(hash),
    lacksPaddingOf: (digest) => {
      const padded = hash?.copy()
      for (let blocks = 0; padded && blocks < RECORD_BLOCKS; blocks++) {
        if (digestOf(padded.update(ZERO_BLOCK)) === digest) return true
      }
      return false
    },
  }
}

const ZERO_BLOCK = Buffer.alloc(512)

/** Of what came so far. */
function digestOf(hash: Hash): Digest {
  return parseDigest(`sha256:${hash.copy().digest('hex')}`)
}

/** The first bytes, and all chunks with them. */
async function readHead(source: AsyncIterator<Uint8Array>) {
  const first: Uint8Array[] = []
  let size = 0
  while (size < MAGIC_SIZE) {
    const result = await source.next()
    if (result.done) break
    first.push(result.value)
    size += result.value.byteLength
  }
  const chunks = async function* () {
    yield* first
    try {
      for (let item = await source.next(); !item.done; item = await source.next()) yield item.value
    } finally {
      await source.return?.()
    }
  }
  return { head: Buffer.concat(first.slice(0, MAGIC_SIZE)), chunks: chunks() }
}
