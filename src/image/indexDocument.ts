import type { IndexItem } from '../base/image.ts'
import type { ManifestFormat, WrittenManifest } from './convert.ts'
import { MEDIA_TYPE } from './mediaTypes.ts'

/**
 * An image index, or Docker's manifest list, which has no annotations.
 * @see https://github.com/opencontainers/image-spec/blob/main/image-index.md
 */
export function writeIndex(
  items: readonly IndexItem[],
  {
    format,
    annotations,
  }: { readonly format: ManifestFormat; readonly annotations: Readonly<Record<string, string>> },
): WrittenManifest {
  const oci = format === 'oci'
  const mediaType = oci ? MEDIA_TYPE.ociIndex : MEDIA_TYPE.dockerManifestList
  const document = {
    schemaVersion: 2,
    mediaType,
    manifests: items.map((item) => ({
      mediaType: item.mediaType,
      digest: item.digest,
      size: item.size,
      platform: {
        architecture: item.architecture,
        os: item.os,
        ...(item.variant === '' ? {} : { variant: item.variant }),
        ...(item.osVersion === '' ? {} : { 'os.version': item.osVersion }),
        ...(item.osFeatures.length === 0 ? {} : { 'os.features': item.osFeatures }),
        ...(item.features.length === 0 || oci ? {} : { features: item.features }),
      },
      ...(oci && Object.keys(item.annotations).length > 0 ? { annotations: item.annotations } : {}),
    })),
    ...(oci && Object.keys(annotations).length > 0 ? { annotations } : {}),
  }
  return { bytes: Buffer.from(JSON.stringify(document)), mediaType }
}
