import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/base/digest.ts'
import type { ImageIndex, Platform } from '../../src/image/manifest.ts'
import { MEDIA_TYPE } from '../../src/image/mediaTypes.ts'
import { formatPlatform, hostPlatform, parsePlatform, selectPlatform } from '../../src/image/platform.ts'

function indexOf(...platforms: (string | undefined)[]): ImageIndex {
  const manifests = platforms.map((text, number) => {
    const [os = '', architecture = '', variant] = text?.split('/') ?? []
    const platform: Platform = variant === undefined ? { os, architecture } : { os, architecture, variant }
    const digest = parseDigest(`sha256:${String(number).padStart(64, '0')}`)
    const entry = { mediaType: MEDIA_TYPE.ociManifest, digest, size: 1, annotations: {} }
    return text === undefined ? entry : { ...entry, platform }
  })
  return { kind: 'index', mediaType: MEDIA_TYPE.ociIndex, manifests, annotations: {} }
}

/** The position of the chosen entry. */
function choose(wanted: string, ...platforms: (string | undefined)[]): number {
  return Number(selectPlatform(indexOf(...platforms), parsePlatform(wanted), 'app').digest.slice(7))
}

describe('parsePlatform()', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['arm64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['LINUX/AMD64', 'linux/amd64'],
  ])('reads %s', (text, formatted) => {
    expect(formatPlatform(parsePlatform(text))).toBe(formatted)
  })

  it.each(['', '/', 'linux/', 'a/b/c/d', 'linux/am d64'])('refuses %j', (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it("knows this machine by the runtime's name of it", () => {
    expect(hostPlatform('x64')).toEqual({ os: 'linux', architecture: 'amd64' })
    expect(hostPlatform('arm64')).toEqual({ os: 'linux', architecture: 'arm64' })
  })
})

describe('selectPlatform()', () => {
  it('takes the entry of the platform wherever it stands', () => {
    expect(choose('linux/arm64', 'linux/amd64', 'linux/arm64/v8', 'windows/amd64')).toBe(1)
    expect(choose('linux/amd64', 'windows/amd64', 'unknown/unknown', 'linux/amd64')).toBe(2)
  })

  it('prefers the same variant, then the newest older one, then none', () => {
    expect(choose('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7')).toBe(2)
    expect(choose('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6')).toBe(1)
    expect(choose('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4')).toBe(1)
    expect(choose('linux/amd64', 'linux/amd64/v3', 'linux/amd64')).toBe(1)
  })

  it('takes a single entry that names no platform', () => {
    expect(choose('linux/amd64', undefined)).toBe(0)
  })

  it('lists what there is where nothing fits, attestations left out', () => {
    expect(() => choose('linux/riscv64', 'linux/amd64', 'linux/arm/v6', 'unknown/unknown')).toThrow(
      'cannot use image "app" for linux/riscv64: it has linux/amd64, linux/arm/v6',
    )
    expect(() => choose('linux/amd64', 'linux/amd64/v2')).toThrow('it has linux/amd64/v2')
    expect(() => choose('linux/amd64')).toThrow('it has no platform')
  })
})
