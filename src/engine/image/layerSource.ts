import { closeSync } from 'node:fs'
import type { Digest } from '../../base/brand.ts'
import { parseDigest } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { readPart } from '../../image/archive/fileTree.ts'
import { compressionOf, layerType, type ManifestFormat } from '../../image/convert.ts'
import { recompress } from '../../image/recompress.ts'
import type { UploadBlob } from '../../image/registry/upload.ts'
import { writeAll } from '../../storage/atomic.ts'
import { openBlob } from '../../storage/blob/read.ts'
import { sha256 } from '../../storage/blob/sink.ts'
import { keepCompressedForm, readCompressedForms } from '../../storage/layer/compressedForms.ts'
import { watchSpace, withSpaceErrors } from '../../storage/space.ts'
import type { Store } from '../../storage/store.ts'
import { createSpool } from './spool.ts'

export interface LayerWish {
  /** Undefined keeps what is there. */
  readonly compression: 'gzip' | 'zstd' | undefined
  readonly level: number | undefined
}

/** A layer of the store, and what is wanted of it. */
export interface WantedLayer {
  readonly layer: Descriptor
  readonly diffId: Digest
  readonly wish: LayerWish
}

/** What is sent of a layer; to be disposed of. */
export interface LayerSource extends Disposable {
  readonly descriptor: Descriptor
  readonly blob: UploadBlob
}

/**
 * A layer of the store as it goes out: the stored bytes, or compressed anew into a file without a name.
 * @throws BryoError NOT_FOUND, NO_SPACE, INVALID_ARCHIVE
 */
export async function openLayerSource(
  store: Store,
  { layer, diffId, wish }: WantedLayer,
): Promise<LayerSource> {
  const to = newCompression(layer, wish)
  if (to === undefined) return storedBlob(store, layer)
  const { level } = wish
  const source = await compressed(store, layer, { to, level })
  const { digest, size } = source.descriptor
  keepCompressedForm(store, diffId, { compression: to, ...(level !== undefined && { level }), digest, size })
  return source
}

/** What the layer became when it was compressed as is wanted now; undefined where that was never done, and where it goes as it is. */
export function knownCompressed(store: Store, { layer, diffId, wish }: WantedLayer): Descriptor | undefined {
  const to = newCompression(layer, wish)
  const known = readCompressedForms(store, diffId).find(
    ({ compression, level }) => compression === to && level === wish.level,
  )
  if (to === undefined || known === undefined) return undefined
  return { mediaType: layerType('oci', to), digest: known.digest, size: known.size }
}

function newCompression({ mediaType }: Descriptor, { compression }: LayerWish): LayerWish['compression'] {
  return compressionOf(mediaType) === compression ? undefined : compression
}

/** Bytes of the store as they are. @throws BryoError NOT_FOUND */
export function storedBlob(store: Store, descriptor: Descriptor): LayerSource {
  const fd = openBlob(store, descriptor.digest)
  return sourceOf(fd, descriptor, () => closeSync(fd))
}

async function compressed(
  store: Store,
  layer: Descriptor,
  options: { readonly to: 'gzip' | 'zstd'; readonly level: number | undefined },
): Promise<LayerSource> {
  const input = openBlob(store, layer.digest)
  const spool = createSpool(store)
  try {
    const hash = sha256()
    const watch = watchSpace(store.dataRoot)
    let size = 0
    for await (const chunk of recompress(input, options)) {
      watch(size)
      withSpaceErrors(store.dataRoot, () => writeAll(spool.fd, chunk, size))
      hash.update(chunk)
      size += chunk.byteLength
    }
    const digest = parseDigest(`sha256:${hash.digest('hex')}`)
    const mediaType = layerType('oci', options.to)
    return sourceOf(spool.fd, { mediaType, digest, size }, () => spool.close())
  } catch (error) {
    spool.close()
    throw error
  } finally {
    closeSync(input)
  }
}

function sourceOf(fd: number, descriptor: Descriptor, close: () => void): LayerSource {
  const { digest, size } = descriptor
  const open = (offset: number, length: number) => readPart(digest, fd, { offset, size: length })
  return { descriptor, blob: { digest, size, open }, [Symbol.dispose]: close }
}

/** What becomes of a layer by default: one that is not compressed is, where the image was made here and nobody knows its digest. */
export function chooseCompression(
  layer: Descriptor,
  wish: LayerWish,
  image: { readonly madeHere: boolean; readonly format: ManifestFormat },
): LayerWish {
  const found = compressionOf(layer.mediaType)
  if (wish.compression === 'zstd' && image.format === 'docker') {
    throw new BryoError('UNSUPPORTED', 'cannot push in the format docker with zstd, expected gzip', {
      hint: 'use --format oci',
    })
  }
  if (wish.compression === undefined && found === 'none' && image.madeHere) {
    return { ...wish, compression: 'gzip' }
  }
  if (wish.compression === undefined && found === 'zstd' && image.format === 'docker') {
    return { ...wish, compression: 'gzip' }
  }
  return wish
}
