import type { Digest, HostPath } from '../../base/brand.ts'
import { BryoError } from '../../base/errors.ts'
import { shortId } from '../../base/shortId.ts'
import { writeJsonAtomic } from '../atomic.ts'
import { hostPath } from '../hostPath.ts'
import { acquireLock, type Lock, unlinkIfThere } from '../lock.ts'
import { imageFileMode, type Store } from '../store.ts'
import { beginOwnWork } from '../work.ts'
import { imageDetailPath, readImage, readImages } from './images.ts'
import { mergeImage, withoutUnmeant } from './manifests.ts'
import { detailOf, type ImageRecord, type ImageSummary, summaryOf } from './record.ts'

/**
 * Held while an image's blobs and layers come in, until putImage(): keeps collectGarbage() from taking for garbage what
 * no image names yet. Any number of processes hold it at a time.
 */
export function lockForAdding(store: Store): Lock {
  return acquireLock(hostPath(store.dataRoot, 'adding.lock'), { mode: 'shared', wait: true })
}

/** The other side of {@link lockForAdding}; undefined while anybody is adding. */
export function tryLockAgainstAdding(store: Store): Lock | undefined {
  return acquireLock(hostPath(store.dataRoot, 'adding.lock'), { mode: 'exclusive', wait: false })
}

/**
 * Adds an image, or more names and another manifest to one that is there: its names mean that manifest. A name that another image had
 * moves here; that image stays, without it.
 */
export function putImage(store: Store, image: ImageRecord): ImageSummary {
  return editIndex(store, (images) => {
    const summary = images.find(({ id }) => id === image.id)
    const before = summary && readImage(store, summary)
    const after = before ? mergeImage(before, image) : image
    writeJsonAtomic(imageDetailPath(store, image.id), detailOf(after), {
      durable: true,
      ...imageFileMode(store),
    })
    const others = withoutNames(images, image.names).filter(({ id }) => id !== image.id)
    const result = summaryOf(after)
    return { images: [...others, result], result }
  })
}

/**
 * Takes a digest from an image, and with it the manifest that only the digest meant. The image stays.
 * @param repoDigest `NAME@DIGEST`
 * @throws BryoError NOT_FOUND
 */
export function forgetDigest(store: Store, id: Digest, repoDigest: string): void {
  editIndex(store, (images) => {
    const image = readImage(store, requireImage(images, id))
    if (!image) throw new BryoError('NOT_FOUND', `cannot find image ${shortId(id)}: not in the store`)
    const repoDigests = image.repoDigests.filter((text) => text !== repoDigest)
    const after = withoutUnmeant({ ...image, repoDigests })
    writeJsonAtomic(imageDetailPath(store, id), detailOf(after), { durable: true, ...imageFileMode(store) })
    return { images: images.map((other) => (other.id === id ? summaryOf(after) : other)), result: undefined }
  })
}

/**
 * Gives the image a further name, taking it from the image that had it.
 * @param manifest the one of its manifests that the name means; the last by default
 * @throws BryoError NOT_FOUND
 */
export function tagImage(store: Store, id: Digest, name: string, manifest?: Digest): void {
  editIndex(store, (images) => {
    requireImage(images, id)
    const tagged = withoutNames(images, [name]).map((image) =>
      image.id === id ? withName(image, name, manifest ?? image.manifestDigest) : image,
    )
    return { images: tagged, result: undefined }
  })
}

function withName(image: ImageSummary, name: string, manifestDigest: Digest): ImageSummary {
  const named = { ...image, names: [...image.names, name] }
  if (manifestDigest === image.manifestDigest) return named
  return { ...named, namedManifests: [...(image.namedManifests ?? []), { name, manifestDigest }] }
}

/** Takes names from the image; all that it has by default. The image stays. @throws BryoError NOT_FOUND */
export function untagImage(store: Store, id: Digest, names?: readonly string[]): void {
  editIndex(store, (images) => {
    const image = requireImage(images, id)
    const missing = names?.find((name) => !image.names.includes(name))
    if (missing !== undefined) {
      throw new BryoError('NOT_FOUND', `cannot untag "${missing}": not a name of image ${shortId(id)}`)
    }
    return { images: withoutNames(images, names ?? image.names), result: undefined }
  })
}

/** Takes the image out of the index; collectGarbage() then frees what only it used. @throws BryoError NOT_FOUND */
export function dropImage(store: Store, id: Digest): ImageSummary {
  return editIndex(store, (images) => {
    const image = requireImage(images, id)
    const remaining = images.filter((other) => other !== image)
    return { images: remaining, result: image, removeAfter: imageDetailPath(store, id) }
  })
}

interface Edit<T> {
  readonly images: readonly ImageSummary[]
  readonly result: T
  /** A file that the new index no longer refers to. */
  readonly removeAfter?: HostPath
}

/** One editor at a time; readers see the index before or after. */
function editIndex<T>(store: Store, edit: (images: readonly ImageSummary[]) => Edit<T>): T {
  using _lock = acquireLock(hostPath(store.dataRoot, 'images.lock'), { mode: 'exclusive', wait: true })
  using work = beginOwnWork(store, 'index')
  try {
    const { images, result, removeAfter } = edit(readImages(store))
    writeJsonAtomic(
      store.imageIndex,
      { version: 1, images },
      { durable: true, temporary: work.path, ...imageFileMode(store) },
    )
    if (removeAfter !== undefined) unlinkIfThere(removeAfter)
    return result
  } finally {
    work.finish()
  }
}

function requireImage(images: readonly ImageSummary[], id: Digest): ImageSummary {
  const image = images.find((candidate) => candidate.id === id)
  if (!image) throw new BryoError('NOT_FOUND', `cannot find image ${shortId(id)}: not in the store`)
  return image
}

function withoutNames(images: readonly ImageSummary[], names: readonly string[]): readonly ImageSummary[] {
  return images.map((image) =>
    image.names.some((name) => names.includes(name)) ? withoutSome(image, names) : image,
  )
}

const MAX_FORMER_NAMES = 100

function withoutSome(image: ImageSummary, names: readonly string[]): ImageSummary {
  const lost = image.names.filter((name) => names.includes(name))
  return {
    ...image,
    names: image.names.filter((name) => !names.includes(name)),
    ...(image.namedManifests && {
      namedManifests: image.namedManifests.filter(({ name }) => !names.includes(name)),
    }),
    formerNames: union(image.formerNames, lost).slice(-MAX_FORMER_NAMES),
  }
}

function union(before: readonly string[] = [], added: readonly string[]): readonly string[] {
  return [...new Set([...before, ...added])]
}
