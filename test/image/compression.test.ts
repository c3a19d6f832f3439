import { describe, expect, it } from 'vitest'
import { decompressTo, detectCompression } from '../../src/image/compression.ts'
import { trackZstdFrames } from '../../src/image/zstdFrames.ts'
import { runScript } from '../engine/fixtures/run.ts'

describe('detectCompression()', () => {
  it.each([
    ['none', ''],
    ['none', '28b5'],
    ['none', '612f62000000'],
    ['gzip', '1f8b080000'],
    ['zstd', '28b52ffd00'],
    ['zstd', '502a4d1800'],
    ['zstd', '5f2a4d1800'],
  ])('finds %s in "%s"', (compression, hex) => {
    expect(detectCompression(Buffer.from(hex, 'hex'))).toBe(compression)
  })

  it.each([
    ['bzip2', '425a6839'],
    ['xz', 'fd377a585a00'],
    ['lz4', '04224d18'],
  ])('refuses %s by name', (name, hex) => {
    expect(() => detectCompression(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(name) }),
    )
  })
})

describe.each(['bun', 'node'] as const)('decompressTo() under %s', (runtime) => {
  const url = new URL('./compression.fixture.ts', import.meta.url)
  const results = runScript(url, [], { runtime })[0] as Record<string, unknown>

  it.each([1, 7, 4096, 1 << 20])('gives all of what came in chunks of %i bytes', (size) => {
    expect(results[`gzip members by ${size}`]).toEqual({ compression: 'gzip', bytes: 500_000, isRight: true })
    expect(results[`zstd frames by ${size}`]).toEqual({ compression: 'zstd', bytes: 500_000, isRight: true })
    expect(results[`plain by ${size}`]).toEqual({ compression: 'none', bytes: 500_000, isRight: true })
  })

  it('gives all of thousands of small frames', () => {
    expect(results['many frames']).toEqual({ compression: 'zstd', bytes: 8890, isRight: true })
  })

  it.each(['gzip', 'zstd'])('refuses damaged %s data', (kind) => {
    for (const damage of ['truncated', 'short', 'flipped', 'garbage']) {
      expect(results[`${damage} ${kind}`]).toMatchObject({
        code: 'INVALID_ARCHIVE',
        message: expect.stringContaining(`cannot decompress ${kind} data: `),
      })
    }
  })

  it.each(['gzip', 'zstd'])('stops where whoever watches throws for %s data', (kind) => {
    expect(results[`bomb ${kind}`]).toMatchObject({ code: 'NO_SPACE', message: 'that is enough' })
  })

  it('knows zstd data that lacks only the zeros of a last record of tar', () => {
    expect(results.padding).toEqual([true, true, false, false, false, false])
  })

  it('fails with EPIPE where the reader is gone, and reads from an fd', () => {
    expect(results['closed pipe']).toBe('EPIPE')
    expect(results['from an fd']).toBe(true)
  })
})

describe('decompressTo()', () => {
  it('passes errors of its input on', async () => {
    await expect(decompressTo('/proc/nonexistent', async () => {})).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('gives the digest of nothing for nothing', async () => {
    const empty = (async function* (): AsyncGenerator<Uint8Array> {})()
    const result = await decompressTo(empty, async () => {}, { digestOutput: true })
    expect(result.outputDigest).toBe(
      'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
  })
})

describe('trackZstdFrames()', () => {
  it('finds the end of a frame with a checksum, whatever the cuts', () => {
    const block = Buffer.from([0x01 | (3 << 3), 0, 0, 1, 2, 3])
    const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x24, 3]), block, Buffer.alloc(4, 9)])
    const data = Buffer.concat([frame, frame])
    for (let cut = 1; cut < data.length; cut++) {
      const frames = trackZstdFrames()
      const ends: number[] = []
      let position = 0
      for (const part of [data.subarray(0, cut), data.subarray(cut)]) {
        for (let rest = part; rest.length > 0; ) {
          const length = frames.next(rest)
          position += length
          rest = rest.subarray(length)
          if (frames.isComplete()) ends.push(position)
        }
      }
      expect(ends).toEqual([frame.length, 2 * frame.length])
    }
  })
})
