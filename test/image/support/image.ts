import { gzipSync } from 'node:zlib'
import type { Digest } from '../../../src/base/brand.ts'
import { digestHex } from '../../../src/base/digest.ts'
import type { Descriptor } from '../../../src/base/image.ts'
import { MEDIA_TYPE } from '../../../src/image/mediaTypes.ts'
import { digestOf } from '../../../src/image/verify.ts'
import { type TestEntry, tarOf } from './tar.ts'

/** An image made of nothing but memory: its documents and layers by digest. */
export interface TestImage {
  readonly manifest: Descriptor
  readonly manifestBytes: Buffer
  readonly config: Descriptor
  readonly configBytes: Buffer
  readonly layers: readonly Descriptor[]
  readonly diffIds: readonly Digest[]
  readonly blobs: ReadonlyMap<Digest, Buffer>
}

export interface TestImageOptions {
  readonly layers: readonly Buffer[]
  readonly config?: Readonly<Record<string, unknown>>
  readonly os?: string
  readonly architecture?: string
  /** How a layer is sent; plain by default. */
  readonly gzip?: boolean
}

export function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength }
}

export function makeImage(options: TestImageOptions): TestImage {
  const { os = 'linux', architecture = 'amd64', config: settings = {} } = options
  const diffIds = options.layers.map(digestOf)
  const configBytes = Buffer.from(
    JSON.stringify({ os, architecture, config: settings, rootfs: { type: 'layers', diff_ids: diffIds } }),
  )
  const config = descriptorOf(MEDIA_TYPE.ociConfig, configBytes)
  const layerType = options.gzip ? MEDIA_TYPE.ociLayerGzip : MEDIA_TYPE.ociLayer
  const sent = options.layers.map((layer) => (options.gzip ? gzipSync(layer) : layer))
  const layers = sent.map((layer) => descriptorOf(layerType, layer))
  const document = { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers }
  const manifestBytes = Buffer.from(JSON.stringify(document))
  const manifest = descriptorOf(MEDIA_TYPE.ociManifest, manifestBytes)
  const blobs = new Map<Digest, Buffer>([
    [config.digest, configBytes],
    [manifest.digest, manifestBytes],
    ...sent.map((layer) => [digestOf(layer), layer] as const),
  ])
  return { manifest, manifestBytes, config, configBytes, layers, diffIds, blobs }
}

/** The entries of an OCI archive with this index. */
export function ociEntries(
  index: unknown,
  ...images: readonly Pick<TestImage, 'blobs'>[]
): readonly TestEntry[] {
  const blobs = images.flatMap((image) => [...image.blobs])
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: 'index.json', content: JSON.stringify(index) },
    ...blobs.map(([digest, content]) => ({ name: `blobs/sha256/${digestHex(digest)}`, content })),
  ]
}

export function indexOf(...manifests: readonly object[]): unknown {
  return { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }
}

export function named(descriptor: Descriptor, name: string): object {
  return { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': name } }
}

export function smallImage(text = 'hello', options: Partial<TestImageOptions> = {}): TestImage {
  return makeImage({ layers: [tarOf([{ name: 'file', content: text }])], ...options })
}
