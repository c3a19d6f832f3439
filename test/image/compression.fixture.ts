import { createHash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { parseDigest } from '../../src/base/digest.ts'
import { BryoError } from '../../src/base/errors.ts'
import { type DecompressOptions, decompressTo } from '../../src/image/compression.ts'
import { pipe } from '../../src/syscall/fd.ts'

/** Decompresses what the tests are about under the runtime that runs this, and prints the outcomes as JSON. */
const a = Buffer.alloc(300_000, 'abc')
const b = Buffer.alloc(200_000, 'xyz')
const both = Buffer.concat([a, b])
const gzip = Buffer.concat([gzipSync(a), gzipSync(b)])
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
const [zstdA, zstdB] = [zstdCompressSync(a, checked), zstdCompressSync(b, checked)]
const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 10, 0, 0, 0]), Buffer.alloc(10, 0x28)])
const zstd = Buffer.concat([skippable, zstdA, skippable, zstdB, zstdCompressSync(Buffer.alloc(0)), skippable])
const manyFrames = Buffer.concat(
  Array.from({ length: 2000 }, (_, i) => zstdCompressSync(Buffer.from(`${i}\n`))),
)
const flipped = (data: Buffer) => data.map((byte, index) => (index === 60 ? byte ^ 0xff : byte))

async function* chunksOf(data: Uint8Array, size: number) {
  for (let start = 0; start < data.length; start += size) yield data.subarray(start, start + size)
}

async function outcome(
  data: Uint8Array,
  chunkSize: number,
  options: DecompressOptions = {},
): Promise<unknown> {
  const hash = createHash('sha256')
  let bytes = 0
  const sink = async (chunk: Uint8Array) => {
    hash.update(chunk)
    bytes += chunk.length
  }
  try {
    const result = await decompressTo(chunksOf(data, chunkSize), sink, {
      digestInput: true,
      digestOutput: true,
      ...options,
    })
    const isRight =
      result.outputDigest === `sha256:${hash.digest('hex')}` &&
      result.inputDigest === `sha256:${createHash('sha256').update(data).digest('hex')}` &&
      result.outputBytes === bytes &&
      result.inputBytes === data.length
    return { compression: result.compression, bytes, isRight }
  } catch (error) {
    if (error instanceof BryoError) return { code: error.code, message: error.message }
    return { errno: error instanceof Error && 'code' in error ? error.code : String(error) }
  }
}

async function toClosedPipe(): Promise<unknown> {
  const [read, write] = pipe()
  closeSync(read)
  try {
    await decompressTo(chunksOf(gzip, 1000), write)
    return 'written'
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : String(error)
  } finally {
    closeSync(write)
  }
}

async function fromFd(path: string): Promise<unknown> {
  const fd = openSync(path, 'r')
  try {
    const output = openSync('/dev/null', 'w')
    return (await decompressTo(fd, output)).inputBytes > 0
  } finally {
    closeSync(fd)
  }
}

/** Whether the output counts as one that lacks so many zeros, or something else, at its end. */
async function lacks(data: Uint8Array, end: Uint8Array): Promise<boolean> {
  const result = await decompressTo(chunksOf(data, 1 << 20), async () => {}, { digestOutput: true })
  return result.lacksPaddingOf(
    parseDigest(`sha256:${createHash('sha256').update(both).update(end).digest('hex')}`),
  )
}

function refuseMore(_: number, outputBytes: number): void {
  if (outputBytes > 100_000) throw new BryoError('NO_SPACE', 'that is enough')
}

const results: Record<string, unknown> = {}
const wholeZstd = Buffer.concat([zstdA, zstdB])
results.padding = [
  await lacks(wholeZstd, Buffer.alloc(512)),
  await lacks(wholeZstd, Buffer.alloc(10_240)),
  await lacks(wholeZstd, Buffer.alloc(10_752)),
  await lacks(wholeZstd, Buffer.alloc(100)),
  await lacks(wholeZstd, Buffer.alloc(512, 1)),
  await lacks(gzip, Buffer.alloc(512)),
]
for (const size of [1, 7, 4096, 1 << 20]) {
  results[`gzip members by ${size}`] = await outcome(gzip, size)
  results[`zstd frames by ${size}`] = await outcome(zstd, size)
  results[`plain by ${size}`] = await outcome(both, size)
}
results['many frames'] = await outcome(manyFrames, 1 << 20)
for (const [kind, data, last] of [
  ['gzip', gzip, gzip.length - 5],
  ['zstd', Buffer.concat([zstdA, zstdB]), zstdA.length + zstdB.length - 3],
] as const) {
  results[`truncated ${kind}`] = await outcome(data.subarray(0, last), 1 << 20)
  results[`short ${kind}`] = await outcome(data.subarray(0, 5), 1 << 20)
  results[`flipped ${kind}`] = await outcome(flipped(data), 1 << 20)
  results[`bomb ${kind}`] = await outcome(data, 1 << 20, { onOutput: refuseMore })
  results[`garbage ${kind}`] = await outcome(Buffer.concat([data, Buffer.from('garbage')]), 1 << 20)
}
results['closed pipe'] = await toClosedPipe()
results['from an fd'] = await fromFd('/proc/self/exe')
console.log(JSON.stringify(results))
