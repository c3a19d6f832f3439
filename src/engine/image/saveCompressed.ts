import { createHash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { parseDigest } from '../../base/digest.ts'
import type { Descriptor } from '../../base/image.ts'
import type { SavedImage } from '../../image/archive/savePlan.ts'
import type { OpenBlob } from '../../image/archive/write.ts'
import { readChunks, writeAll } from '../../image/fdStream.ts'
import { parseJsonObject } from '../../image/json.ts'
import { MAX_MANIFEST_SIZE } from '../../image/manifest.ts'
import { openBlob, readBlob } from '../../storage/blob/read.ts'
import type { Engine } from '../engine.ts'
import { createSpool } from './spool.ts'

export interface CompressedImages {
  readonly images: readonly SavedImage[]
  /** undefined for a blob that was not made here. */
  readonly open: (...args: Parameters<OpenBlob>) => number | undefined
}

/** Files without a name, by the digest of what is in them; they live as long as `stack`. */
type Made = Map<Digest, { readonly blob: Descriptor; readonly fd: number }>

/** The images with gzip in place of plain layers: other manifests, the same images. The same input gives the same bytes. */
export async function compressLayers(
  engine: Engine,
  images: readonly SavedImage[],
  stack: DisposableStack,
): Promise<CompressedImages> {
  const made: Made = new Map()
  const smaller = new Map<Digest, Descriptor>()
  for (const layer of images.flatMap(({ layers }) => layers)) {
    if (isPlain(layer) && !smaller.has(layer.digest)) {
      smaller.set(layer.digest, await compress(engine, layer, { made, stack }))
    }
  }
  const rewritten: SavedImage[] = []
  for (const image of images) {
    const layers = image.layers.map((layer) => smaller.get(layer.digest) ?? layer)
    rewritten.push({ ...image, layers, manifest: await rewrite(engine, image, { layers, made, stack }) })
  }
  return { images: rewritten, open: ({ digest }) => reopen(made.get(digest)?.fd) }
}

function isPlain({ mediaType }: Descriptor): boolean {
  return mediaType.endsWith('.tar')
}

function reopen(fd: number | undefined): number | undefined {
  return fd === undefined ? undefined : openSync(`/proc/self/fd/${fd}`, 'r')
}

interface Place {
  readonly made: Made
  readonly stack: DisposableStack
}

async function compress(engine: Engine, layer: Descriptor, place: Place): Promise<Descriptor> {
  const { createGzip } = await import('node:zlib')
  const { pipeline } = await import('node:stream/promises')
  const input = openBlob(engine.store, layer.digest)
  try {
    const gzip = createGzip()
    const compressed = pipeline(chunksOf(input), gzip)
    const mediaType = layer.mediaType.includes('docker')
      ? `${layer.mediaType}.gzip`
      : `${layer.mediaType}+gzip`
    const blob = await keep(engine, mediaType, { ...place, content: gzip })
    await compressed
    return blob
  } finally {
    closeSync(input)
  }
}

async function* chunksOf(fd: number): AsyncGenerator<Uint8Array> {
  const chunks = readChunks(fd)
  for (let item = await chunks.next(); !item.done; item = await chunks.next()) yield item.value
}

/** Only the descriptors of the layers change. */
async function rewrite(
  engine: Engine,
  { manifest, layers: before }: SavedImage,
  { layers, ...place }: Place & { readonly layers: readonly Descriptor[] },
): Promise<Descriptor> {
  if (layers.every((layer, index) => layer === before[index])) return manifest
  const stored = readBlob(engine.store, manifest.digest, MAX_MANIFEST_SIZE)
  const document = parseJsonObject('image manifest', stored, MAX_MANIFEST_SIZE)
  const entries = Array.isArray(document.layers) ? document.layers : []
  const bytes = Buffer.from(
    JSON.stringify({ ...document, layers: entries.map((entry, index) => ({ ...entry, ...layers[index] })) }),
  )
  return keep(engine, manifest.mediaType, { ...place, content: [bytes] })
}

async function keep(
  engine: Engine,
  mediaType: string,
  { content, made, stack }: Place & { readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array> },
): Promise<Descriptor> {
  const spool = stack.use(createSpool(engine.store))
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of content) {
    hash.update(chunk)
    size += chunk.byteLength
    await writeAll(spool.fd, chunk)
  }
  const blob = { mediaType, digest: parseDigest(`sha256:${hash.digest('hex')}`), size }
  made.set(blob.digest, { blob, fd: spool.fd })
  return blob
}
