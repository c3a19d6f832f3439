import type { Digest } from '../../base/brand.ts'
import type { ImageRecord, ImageSummary, NamedManifest, StoredManifest } from './record.ts'

// An image is its configuration. It may have come with several manifests, each with a digest of its own: other formats of the same, or
// layers that were compressed otherwise. Pure.

type Named = Pick<ImageSummary, 'manifestDigest' | 'namedManifests'>

/** The manifest with which the image came under a name of it. */
export function manifestNamed({ manifestDigest, namedManifests = [] }: Named, name: string): Digest {
  return namedManifests.find((entry) => entry.name === name)?.manifestDigest ?? manifestDigest
}

/** The digests under which the image came, and its own under each of its names. */
export function repoDigestsOf(
  image: Pick<ImageSummary, 'names' | 'repoDigests' | 'manifestDigest' | 'namedManifests'>,
): readonly string[] {
  const own = image.names.map(
    (name) => `${name.slice(0, name.lastIndexOf(':'))}@${manifestNamed(image, name)}`,
  )
  return [...new Set([...image.repoDigests, ...own])]
}

/** All manifests of the image, the last one first. */
export function manifestsOf(image: ImageRecord): readonly StoredManifest[] {
  const { manifestDigest, manifestMediaType, layers, otherBlobs, otherManifests = [] } = image
  return [{ manifestDigest, manifestMediaType, layers, otherBlobs }, ...otherManifests]
}

/** Every blob that belongs to the image. */
export function blobsOf(image: ImageRecord): readonly Digest[] {
  const blobs = manifestsOf(image).flatMap(({ manifestDigest, layers, otherBlobs }) => [
    manifestDigest,
    ...otherBlobs,
    ...layers.flatMap(({ blob }) => blob?.digest ?? []),
  ])
  return [...new Set([image.id, ...blobs])]
}

/** The image in the form of one of its manifests, named by its digest or by that of its index; else as it came last. */
export function withManifest(image: ImageRecord, digest: Digest | undefined): ImageRecord {
  const manifests = manifestsOf(image)
  const meant = manifests.find((manifest) => digest !== undefined && isNamedBy(manifest, digest))
  return meant ? arrange(image, [meant, ...manifests.filter((other) => other !== meant)]) : image
}

function isNamedBy({ manifestDigest, otherBlobs }: StoredManifest, digest: string): boolean {
  return manifestDigest === digest || otherBlobs.some((other) => other === digest)
}

/** What becomes of an image that is added once more: its names mean the manifest that it has now, older ones what they meant. */
export function mergeImage(before: ImageRecord, image: ImageRecord): ImageRecord {
  const older = namesIn(before).filter(({ name }) => !image.names.includes(name))
  const merged: ImageRecord = {
    ...image,
    names: [...new Set([...before.names, ...image.names])],
    repoDigests: [...new Set([...before.repoDigests, ...image.repoDigests])],
    namedManifests: older,
    otherManifests: manifestsOf(before).filter(
      ({ manifestDigest }) => manifestDigest !== image.manifestDigest,
    ),
    ...(before.formerNames && { formerNames: before.formerNames }),
  }
  const [own, ...others] = manifestsOf(merged)
  return arrange(merged, [...(own ? [own] : []), ...meantOf(merged, others)])
}

/** Manifests that no name and no digest of the image means go; one always stays. */
export function withoutUnmeant(image: ImageRecord): ImageRecord {
  const manifests = manifestsOf(image)
  const meant = meantOf(image, manifests)
  return arrange(image, meant.length > 0 ? meant : manifests.slice(0, 1))
}

function meantOf(image: ImageRecord, manifests: readonly StoredManifest[]): readonly StoredManifest[] {
  const means = new Set<string>([
    ...image.names.map((name) => manifestNamed(image, name)),
    ...image.repoDigests.map((text) => text.slice(text.indexOf('@') + 1)),
  ])
  return manifests.filter((manifest) => [...means].some((digest) => isNamedBy(manifest, digest)))
}

/** @param manifests the first becomes the one that is meant where nothing else is said */
function arrange(image: ImageRecord, manifests: readonly StoredManifest[]): ImageRecord {
  const [first, ...otherManifests] = manifests
  const { namedManifests: _, otherManifests: __, ...plain } = image
  const named = namesIn(image).filter(({ manifestDigest }) => manifestDigest !== first?.manifestDigest)
  return {
    ...plain,
    ...first,
    ...(named.length > 0 && { namedManifests: named }),
    ...(otherManifests.length > 0 && { otherManifests }),
  }
}

/** Of every name. */
function namesIn(image: ImageSummary): readonly NamedManifest[] {
  return image.names.map((name) => ({ name, manifestDigest: manifestNamed(image, name) }))
}
