import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createParallelGzip } from '../../src/image/parallelGzip.ts'
import { recompress } from '../../src/image/recompress.ts'
import { digestOf } from '../../src/image/verify.ts'

/** Bytes that are neither all alike nor all different. */
function sample(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let state = 1
  for (let at = 0; at < size; at++) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    bytes[at] = (state >> 16) % 23
  }
  return bytes
}

async function* inChunks(data: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

describe('recompress()', () => {
  it.each([0, 1, 1000, 512 * 1024, 512 * 1024 + 1, 3_000_000])(
    'gives gzip of %i bytes that everybody reads',
    async (size) => {
      const data = sample(size)
      const packed = await collect(recompress(inChunks(data, 70_001), { to: 'gzip' }))
      expect(gunzipSync(packed).equals(data)).toBe(true)
    },
  )

  it('gives the same gzip however the data comes, on any number of processors', async () => {
    const data = sample(2_000_000)
    const digests = new Set<string>()
    for (const [chunk, parallel] of [
      [10_000, 1],
      [1_000_000, 2],
      [524_288, 7],
    ] as const) {
      const gzip = await createParallelGzip({ parallel })
      const feed = async () => {
        for await (const part of inChunks(data, chunk)) await gzip.write(part)
        await gzip.end()
      }
      const [packed] = await Promise.all([collect(gzip.output()), feed()])
      digests.add(digestOf(packed))
    }
    expect(digests.size).toBe(1)
  })

  it('compresses harder where asked to', async () => {
    const data = sample(1_000_000)
    const size = async (level: number) =>
      (await collect(recompress(inChunks(data, 65_536), { to: 'gzip', level }))).length
    expect(await size(9)).toBeLessThan(await size(1))
  })

  it('takes gzip as well', async () => {
    const data = sample(900_000)
    const once = await collect(recompress(inChunks(data, 65_536), { to: 'gzip' }))
    const twice = await collect(recompress(inChunks(once, 65_536), { to: 'gzip' }))
    expect(twice.equals(once)).toBe(true)
  })

  it.runIf(typeof zstdDecompressSync === 'function')('gives zstd', async () => {
    const data = sample(900_000)
    const packed = await collect(recompress(inChunks(data, 65_536), { to: 'zstd', level: 3 }))
    expect(zstdDecompressSync(packed).equals(data)).toBe(true)
  })

  it('fails where the input does, and ends where nobody reads on', async () => {
    const broken = async function* () {
      yield sample(2_000_000)
      throw new Error('the disk is gone')
    }
    await expect(collect(recompress(broken(), { to: 'gzip' }))).rejects.toThrow('the disk is gone')
    for await (const _ of recompress(inChunks(sample(8_000_000), 65_536), { to: 'gzip' })) break
  })
})
