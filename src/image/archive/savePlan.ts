import type { Digest } from '../../base/brand.ts'
import { digestHex } from '../../base/digest.ts'
import type { Descriptor } from '../../base/image.ts'
import { MEDIA_TYPE } from '../mediaTypes.ts'

export const SAVE_FORMATS = ['docker-archive', 'oci-archive', 'oci-dir', 'docker-dir'] as const
export type SaveFormat = (typeof SAVE_FORMATS)[number]

/** An image as it goes into an archive: its documents as they are, so that their digests stay. */
export interface SavedImage {
  readonly manifest: Descriptor
  readonly config: Descriptor
  /** Lowest first. */
  readonly layers: readonly Descriptor[]
  /** Full names; without any, the image is found by its digest only. */
  readonly names: readonly string[]
}

/** A file of an archive: a document that is made for it, or a blob. */
export type SaveEntry =
  | { readonly kind: 'document'; readonly name: string; readonly bytes: Buffer }
  | { readonly kind: 'blob'; readonly name: string; readonly blob: Descriptor }

/**
 * The files of an archive, documents first, each blob once, in an order that depends on nothing but the images. Pure.
 *
 * A docker-archive is an OCI archive too, as Docker itself has written it since version 25: who reads manifest.json gets the images,
 * and who reads index.json their manifests as well.
 */
export function planSave(format: SaveFormat, images: readonly SavedImage[]): readonly SaveEntry[] {
  const blobs = uniqueBlobs(images)
  switch (format) {
    case 'oci-archive':
    case 'oci-dir':
      return [...ociDocuments(images, ociName), ...blobEntries(blobs)]
    case 'docker-archive':
      return [
        ...ociDocuments(images, dockerName),
        json('manifest.json', dockerManifest(images)),
        ...blobEntries(blobs),
      ]
    case 'docker-dir':
      return dirEntries(images)
  }
}

/** @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
function ociDocuments(
  images: readonly SavedImage[],
  annotationsOf: (name: string) => Readonly<Record<string, string>>,
): readonly SaveEntry[] {
  const manifests = images.flatMap(({ manifest, names }) =>
    names.length === 0
      ? [manifest]
      : names.map((name) => ({ ...manifest, annotations: annotationsOf(name) })),
  )
  return [
    json('oci-layout', { imageLayoutVersion: '1.0.0' }),
    json('index.json', { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests }),
  ]
}

const ociName = (name: string) => ({ 'org.opencontainers.image.ref.name': name })

/** Docker takes the name from an annotation of its own; tools that know the other one only would leave it as it is in copies. */
const dockerName = (name: string) => ({ 'io.containerd.image.name': name, ...ociName(name) })

function dockerManifest(images: readonly SavedImage[]): unknown {
  return images.map(({ config, layers, names }) => ({
    Config: blobName(config.digest),
    RepoTags: names.length === 0 ? null : names,
    Layers: layers.map(({ digest }) => blobName(digest)),
  }))
}

/** What skopeo(1) calls `dir:`; it has room for one image, without a name. */
function dirEntries(images: readonly SavedImage[]): readonly SaveEntry[] {
  return [
    { kind: 'document', name: 'version', bytes: Buffer.from('Directory Transport Version: 1.1\n') },
    ...images.flatMap(({ manifest }) => [{ kind: 'blob' as const, name: 'manifest.json', blob: manifest }]),
    ...uniqueBlobs(images)
      .filter(({ digest }) => images.every(({ manifest }) => manifest.digest !== digest))
      .map((blob) => ({ kind: 'blob' as const, name: digestHex(blob.digest), blob })),
  ]
}

function uniqueBlobs(images: readonly SavedImage[]): readonly Descriptor[] {
  const all = images.flatMap(({ manifest, config, layers }) => [manifest, config, ...layers])
  const unique = new Map<Digest, Descriptor>(all.map((blob) => [blob.digest, blob]))
  return [...unique.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1))
}

function blobEntries(blobs: readonly Descriptor[]): readonly SaveEntry[] {
  return blobs.map((blob) => ({ kind: 'blob', name: blobName(blob.digest), blob }))
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`
}

function json(name: string, value: unknown): SaveEntry {
  return { kind: 'document', name, bytes: Buffer.from(JSON.stringify(value)) }
}
