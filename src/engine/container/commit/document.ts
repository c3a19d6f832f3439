import type { Digest } from '../../../base/brand.ts'
import type { Descriptor } from '../../../base/image.ts'
import type { JsonObject } from '../../../base/json.ts'
import { MEDIA_TYPE } from '../../../image/mediaTypes.ts'
import { hostPlatform } from '../../../image/platform.ts'

export type ManifestFormat = 'oci' | 'docker'

export interface ImageParts {
  /** The whole configuration of the image that this one stands on; absent for one that stands alone. */
  readonly base: JsonObject | undefined
  readonly config: JsonObject
  /** Lowest first. */
  readonly diffIds: readonly Digest[]
  /** RFC 3339. */
  readonly created: string
  readonly createdBy: string
  readonly author: string | undefined
  readonly message: string | undefined
  readonly format: ManifestFormat
}

/** An image's configuration as it is stored. Pure. */
export function imageDocument(parts: ImageParts): JsonObject {
  const { base, config, diffIds, created, createdBy, author, message, format } = parts
  const platform = hostPlatform(process.arch)
  const variant = base?.variant ?? (base ? undefined : platform.variant)
  const before = base && Array.isArray(base.history) ? base.history : []
  const entry = {
    created,
    created_by: createdBy,
    ...(author !== undefined && { author }),
    ...(message !== undefined && { comment: message }),
  }
  return {
    created,
    ...(author !== undefined && { author }),
    architecture: base?.architecture ?? platform.architecture,
    ...(variant !== undefined && { variant }),
    os: base?.os ?? platform.os,
    ...(format === 'docker' && message !== undefined && { comment: message }),
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [...before, entry],
  }
}

/** Pure. */
export function imageManifest(
  format: ManifestFormat,
  config: Omit<Descriptor, 'mediaType'>,
  layers: readonly Descriptor[],
): JsonObject {
  const docker = format === 'docker'
  return {
    schemaVersion: 2,
    mediaType: manifestType(format),
    config: { mediaType: docker ? MEDIA_TYPE.dockerConfig : MEDIA_TYPE.ociConfig, ...config },
    layers: layers.map(({ mediaType, digest, size }) => ({
      mediaType: layerType(format, mediaType),
      digest,
      size,
    })),
  }
}

export function manifestType(format: ManifestFormat): string {
  return format === 'docker' ? MEDIA_TYPE.dockerManifest : MEDIA_TYPE.ociManifest
}

const OCI_LAYER = MEDIA_TYPE.ociLayer
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar'

/** The same compression in the words of the format. */
export function layerType(format: ManifestFormat, mediaType: string): string {
  const compression = /(?:\+|\.tar\.)(gzip|zstd)$/.exec(mediaType)?.[1]
  if (format === 'docker') return compression === undefined ? DOCKER_LAYER : `${DOCKER_LAYER}.${compression}`
  return compression === undefined ? OCI_LAYER : `${OCI_LAYER}+${compression}`
}
