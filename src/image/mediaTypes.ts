import { BryoError } from '../base/errors.ts'

/** @see https://github.com/opencontainers/image-spec/blob/main/media-types.md */
export const MEDIA_TYPE = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  ociLayerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociLayerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
} as const

const SCHEMA1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/

const CONFIG_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPE.ociConfig, MEDIA_TYPE.dockerConfig])

const LAYER_TYPES: ReadonlySet<string> = new Set([
  MEDIA_TYPE.ociLayer,
  MEDIA_TYPE.ociLayerGzip,
  MEDIA_TYPE.ociLayerZstd,
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
])

const FOREIGN_LAYER = /\.(?:foreign\.diff|layer\.nondistributable)\b/

/** What a registry may answer with, in the order of preference. */
export const MANIFEST_TYPES: readonly string[] = [
  MEDIA_TYPE.ociManifest,
  MEDIA_TYPE.ociIndex,
  MEDIA_TYPE.dockerManifest,
  MEDIA_TYPE.dockerManifestList,
]

export function isIndexType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.ociIndex || mediaType === MEDIA_TYPE.dockerManifestList
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.ociManifest || mediaType === MEDIA_TYPE.dockerManifest
}

export function isSchema1Type(mediaType: string): boolean {
  return SCHEMA1.test(mediaType)
}

/** Throws for what is no container image, such as a chart or a signature. */
export function checkConfigType(mediaType: string): void {
  if (CONFIG_TYPES.has(mediaType)) return
  throw new BryoError(
    'INVALID_IMAGE',
    `cannot use image: its configuration has the type "${mediaType.slice(0, 200)}", expected a container image`,
  )
}

export function checkLayerType(mediaType: string): void {
  if (LAYER_TYPES.has(mediaType)) return
  const shown = mediaType.slice(0, 200)
  if (FOREIGN_LAYER.test(mediaType)) {
    throw new BryoError(
      'UNSUPPORTED',
      `cannot use image: the layer type "${shown}" is kept outside of registries (foreign layer)`,
    )
  }
  throw new BryoError(
    'UNSUPPORTED',
    `cannot use image: unknown layer type "${shown}", expected a tar, plain or compressed with gzip or zstd`,
  )
}
