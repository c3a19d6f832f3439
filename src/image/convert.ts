import { BryoError } from '../base/errors.ts'
import type { Descriptor } from '../base/image.ts'
import type { ImageManifest } from './manifest.ts'
import { MEDIA_TYPE } from './mediaTypes.ts'

export type ManifestFormat = 'oci' | 'docker'
export type LayerCompression = 'none' | 'gzip' | 'zstd'

const OCI_LAYERS: Readonly<Record<LayerCompression, string>> = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
}
const DOCKER_LAYERS: Readonly<Record<LayerCompression, string>> = {
  none: 'application/vnd.docker.image.rootfs.diff.tar',
  gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  zstd: 'application/vnd.docker.image.rootfs.diff.tar.zstd',
}

export function formatOf(manifestType: string): ManifestFormat {
  return manifestType === MEDIA_TYPE.dockerManifest ? 'docker' : 'oci'
}

/** By the layer's media type. */
export function compressionOf(mediaType: string): LayerCompression {
  if (/[+.]gzip$/.test(mediaType)) return 'gzip'
  return /[+.]zstd$/.test(mediaType) ? 'zstd' : 'none'
}

export function layerType(format: ManifestFormat, compression: LayerCompression): string {
  return (format === 'oci' ? OCI_LAYERS : DOCKER_LAYERS)[compression]
}

export interface WrittenManifest {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/**
 * The manifest of the same image in a format, with these layers. The configuration, and so the image's id, stays.
 * @throws BryoError UNSUPPORTED for zstd in Docker's format, which has no such layers
 */
export function writeManifest(
  manifest: ImageManifest,
  { format, layers }: { readonly format: ManifestFormat; readonly layers: readonly Descriptor[] },
): WrittenManifest {
  const oci = format === 'oci'
  const mediaType = oci ? MEDIA_TYPE.ociManifest : MEDIA_TYPE.dockerManifest
  const { digest, size } = manifest.config
  const config = { mediaType: oci ? MEDIA_TYPE.ociConfig : MEDIA_TYPE.dockerConfig, digest, size }
  const typed = layers.map((layer) => {
    const compression = compressionOf(layer.mediaType)
    if (!oci && compression === 'zstd') {
      throw new BryoError('UNSUPPORTED', 'cannot write manifest in the format docker: a layer is zstd', {
        hint: 'use --format oci, or --compression-format gzip',
      })
    }
    return { mediaType: layerType(format, compression), digest: layer.digest, size: layer.size }
  })
  const annotations = oci && Object.keys(manifest.annotations).length > 0
  const document = {
    schemaVersion: 2,
    mediaType,
    config,
    layers: typed,
    ...(annotations ? { annotations: manifest.annotations } : {}),
  }
  return { bytes: Buffer.from(JSON.stringify(document)), mediaType }
}
