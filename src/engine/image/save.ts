import type { Digest } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { planSave, type SavedImage, type SaveFormat } from '../../image/archive/savePlan.ts'
import { type OpenBlob, writeArchive, writeArchiveDirectory } from '../../image/archive/write.ts'
import { MAX_MANIFEST_SIZE, parseManifest } from '../../image/manifest.ts'
import { newLocalName } from '../../image/reference.ts'
import { digestOf, verifyBytes } from '../../image/verify.ts'
import { openBlob as openStored, readBlob } from '../../storage/blob/read.ts'
import { lockForAdding } from '../../storage/image/edit.ts'
import { readAllImages } from '../../storage/image/images.ts'
import type { ImageRecord } from '../../storage/image/record.ts'
import type { Engine } from '../engine.ts'
import { noteImage } from './event.ts'
import { readFound, requireFound } from './find.ts'
import { compressLayers } from './saveCompressed.ts'
import { type SaveTarget, withDirectory, withFile } from './saveTarget.ts'

export interface SaveRequest {
  /** Names or ids. */
  readonly images: readonly string[]
  /** Further names for the first image, which they need not have in the store. */
  readonly names?: readonly string[] | undefined
  readonly format: SaveFormat
  /** A path, or an fd that stays the caller's. */
  readonly target: SaveTarget
  /** Layers that are plain are compressed, which makes another manifest of it. */
  readonly compress?: boolean | undefined
}

interface ChosenImage {
  readonly record: ImageRecord
  readonly names: readonly string[]
}

/**
 * `save`: writes images as one archive. Documents and layers are those that came: whoever loads them gets the same digests, and the
 * same images always give the same archive. Every byte is verified; a file of that name is replaced when the new one is whole.
 * @throws BryoError NOT_FOUND, AMBIGUOUS, USAGE, DIGEST_MISMATCH, NO_SPACE; an Error with `code` EPIPE where nobody reads any more
 */
export async function saveImages(engine: Engine, request: SaveRequest): Promise<readonly Digest[]> {
  const { store } = engine
  const { format, target } = request
  using stack = new DisposableStack()
  // What is collected meanwhile could be of an image that somebody removes just now.
  stack.use(lockForAdding(store))
  const chosen = chooseImages(engine, request)
  const described = chosen.map((image) => describeImage(engine, image))
  const compressed = request.compress ? await compressLayers(engine, described, stack) : undefined
  const entries = planSave(format, compressed?.images ?? described)
  const openBlob: OpenBlob = (blob) => compressed?.open(blob) ?? openStored(store, blob.digest)
  if (typeof target === 'number') writeArchive(target, entries, openBlob)
  else if (format === 'oci-dir' || format === 'docker-dir') {
    withDirectory(target, (directory) => writeArchiveDirectory(directory, entries, openBlob))
  } else withFile(target, (fd) => writeArchive(fd, entries, openBlob))
  for (const { record, names } of chosen) noteImage(store, 'save', { id: record.id, name: names[0] })
  return chosen.map(({ record }) => record.id)
}

/** An image that was named by its id goes without a name; one that was named several times once, with all of the names. */
function chooseImages(engine: Engine, { images, names = [] }: SaveRequest): readonly ChosenImage[] {
  const summaries = readAllImages(engine.store)
  const chosen = new Map<Digest, { readonly record: ImageRecord; readonly names: Set<string> }>()
  for (const text of images) {
    const found = requireFound(summaries, text)
    const record = readFound(engine.store, found)
    const entry = chosen.get(record.manifestDigest) ?? { record, names: new Set() }
    if (found.name !== undefined) entry.names.add(found.name)
    chosen.set(record.manifestDigest, entry)
  }
  const [first] = chosen.values()
  for (const name of names) first?.names.add(newLocalName(name, 'save'))
  return [...chosen.values()].map((image) => ({ record: image.record, names: [...image.names] }))
}

function describeImage(engine: Engine, { record, names }: ChosenImage): SavedImage {
  const bytes = readBlob(engine.store, record.manifestDigest, MAX_MANIFEST_SIZE)
  verifyBytes(`the manifest of image ${record.id}`, bytes, record.manifestDigest)
  const parsed = parseManifest(bytes, record.manifestMediaType)
  if (parsed.kind === 'index')
    throw new BryoError('INVALID_IMAGE', `cannot save image ${record.id}: its manifest is an index`)
  const manifest: Descriptor = {
    mediaType: parsed.mediaType,
    digest: digestOf(bytes),
    size: bytes.byteLength,
  }
  return { manifest, config: parsed.config, layers: parsed.layers, names }
}
