import { readdirSync, renameSync, statSync } from 'node:fs'
import type { Digest } from '../../../base/brand.ts'
import { isDigest } from '../../../base/digest.ts'
import { shortId } from '../../../base/shortId.ts'
import { canReadBlob, hasBlob, isIntact, openBlob, removeBlob } from '../../../storage/blob/read.ts'
import { readContainers, readSoundContainers } from '../../../storage/container/find.ts'
import { collectGarbage } from '../../../storage/gc.ts'
import { hostPath } from '../../../storage/hostPath.ts'
import { dropImage, lockForAdding } from '../../../storage/image/edit.ts'
import { readImage, readImages } from '../../../storage/image/images.ts'
import { blobsOf } from '../../../storage/image/manifests.ts'
import type { ImageLayer, ImageRecord, ImageSummary } from '../../../storage/image/record.ts'
import { beginLayer, layerDiffPath, readLayers, removeLayer } from '../../../storage/layer/layers.ts'
import { ownFd } from '../../../syscall/fd.ts'
import { removeByName } from '../../container/remove.ts'
import type { Engine } from '../../engine.ts'
import { unpackLayer } from '../../unpackLayer.ts'
import { attempt } from './containers.ts'
import type { CheckScope, Finding } from './finding.ts'

/** The index, the records of images, and the layers and blobs that they name. */
export function checkImages(engine: Engine, scope: CheckScope): readonly Finding[] {
  const { store } = engine
  const images = attempt(() => readImages(store))
  if (images === 'unreadable') return [brokenIndex(engine)]
  const damaged = scope.quick ? new Set<Digest>() : damagedBlobs(engine)
  return images.flatMap((summary) => checkImage(engine, summary, damaged))
}

function brokenIndex({ store }: Engine): Finding {
  return {
    subject: 'index of images',
    problem: 'it cannot be read',
    remedy: 'set aside as images.json.damaged: pull the images again',
    loses: true,
    mend: () => renameSync(store.imageIndex, `${store.imageIndex}.damaged`),
  }
}

function checkImage(engine: Engine, summary: ImageSummary, damaged: ReadonlySet<Digest>): readonly Finding[] {
  const record = attempt(() => readImage(engine.store, summary))
  if (record === undefined) return [lostImage(engine, summary, 'its record is missing')]
  if (record === 'unreadable') return [lostImage(engine, summary, 'its record cannot be read')]
  const blobs = checkBlobs(engine, record, damaged)
  return blobs.length > 0 ? blobs : record.layers.flatMap((layer) => checkLayer(engine, record, layer))
}

/** All that can be fetched again is dropped; containers of the image, which cannot, only with force. */
function lostImage(engine: Engine, image: ImageSummary, problem: string): Finding {
  const { store, runInUserns } = engine
  const users = readSoundContainers(store).filter((container) => container.image?.id === image.id)
  return {
    subject: nameOf(image),
    problem,
    remedy: users.length === 0 ? 'removed: pull it again' : `removed with ${users.length} containers`,
    loses: users.length > 0,
    mend: () => {
      for (const { id } of users) removeByName(engine, id, { force: true, volumes: false, ignore: true })
      dropImage(store, image.id)
      collectGarbage(store, { runInUserns, partials: false })
    },
  }
}

function nameOf({ id, names }: ImageSummary): string {
  return `image ${names[0] ?? shortId(id)}`
}

function checkBlobs(engine: Engine, image: ImageRecord, damaged: ReadonlySet<Digest>): readonly Finding[] {
  const { store } = engine
  const blobs = blobsOf(image)
  const missing = blobs.filter((digest) => !canReadBlob(store, digest))
  const spoilt = blobs.filter((digest) => damaged.has(digest))
  const [first] = [...spoilt, ...missing]
  if (first === undefined) return []
  const found = spoilt.length > 0 ? 'has another content than its digest says' : 'is missing'
  const lost = lostImage(engine, image, `its blob ${shortId(first)} ${found}`)
  const mend = () => {
    for (const digest of spoilt) removeBlob(store, digest)
    return lost.mend?.()
  }
  return [{ ...lost, mend }]
}

function checkLayer(engine: Engine, image: ImageRecord, layer: ImageLayer): readonly Finding[] {
  const { store } = engine
  const directory = statSync(layerDiffPath(store, layer.diffId), { throwIfNoEntry: false })
  if (directory?.isDirectory()) return []
  const problem = `its layer ${shortId(layer.diffId)} is missing`
  if (layer.blob === undefined) return [lostImage(engine, image, problem)]
  return [
    { subject: nameOf(image), problem, remedy: 'unpacked again', mend: () => unpackAgain(engine, layer) },
  ]
}

async function unpackAgain(engine: Engine, { diffId, blob: descriptor }: ImageLayer): Promise<void> {
  const { store, runInUserns, identity, facts, defaultIds } = engine
  if (!descriptor) return
  using _adding = lockForAdding(store)
  // What is there may be a directory without content.
  removeLayer(store, diffId, runInUserns)
  using draft = await beginLayer(store, diffId, runInUserns)
  if (!draft) return
  using blob = ownFd(openBlob(store, descriptor.digest))
  const unpacked = await unpackLayer({
    input: blob.fd,
    directory: draft.directory,
    userns: { maps: defaultIds().maps, identity: identity(), searchPath: facts.env.PATH },
    shared: store.shared,
    digest: descriptor.digest,
    diffId,
  })
  draft.commit({ size: unpacked.bytes })
}

function damagedBlobs({ store }: Engine): ReadonlySet<Digest> {
  const digests = readdirSync(store.blobs)
    .map((hex) => `sha256:${hex}`)
    .filter(isDigest)
  return new Set(digests.filter((digest) => hasBlob(store, digest) && !isIntact(store, digest)))
}

/** Blobs and layers that nothing uses, and what is no layer. */
export function checkUnused(engine: Engine, { quick, unusedBefore }: CheckScope): readonly Finding[] {
  const { store, runInUserns } = engine
  const images = attempt(() => readImages(store))
  const containers = attempt(() => readContainers(store))
  // Nobody knows what is used while a record is damaged.
  if (images === 'unreadable' || containers === 'unreadable') return []
  const details = images.flatMap((summary) => {
    const record = attempt(() => readImage(store, summary))
    return record === undefined || record === 'unreadable' ? [] : [record]
  })
  const layers = new Set<string>(
    [
      ...derivedLayers(engine),
      ...details.flatMap((image) => image.layers.map((layer) => layer.diffId)),
      ...containers.flatMap((container) => container.layers),
    ].map((diffId) => layerDiffPath(store, diffId)),
  )
  const blobs = new Set<string>(details.flatMap(blobsOf))
  const isOld = (path: string) =>
    (statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Infinity) < unusedBefore
  const unusedLayers = readdirSync(store.layers).filter(
    (id) => !layers.has(hostPath(store.layers, id, 'diff')) && isOld(hostPath(store.layers, id)),
  )
  const unusedBlobs = readdirSync(store.blobs).filter(
    (hex) =>
      !blobs.has(`sha256:${hex}`) && (isOld(hostPath(store.blobs, hex)) || isSpoilt(engine, hex, quick)),
  )
  const mend = () => {
    collectGarbage(store, { runInUserns, partials: false })
  }
  const common = { problem: 'nothing uses it', remedy: 'removed', mend }
  return [
    ...unusedLayers.map((id) => ({ subject: `layer ${id}`, ...common })),
    ...unusedBlobs.map((hex) => ({ subject: `blob ${shortId(hex)}`, ...common })),
  ]
}

function derivedLayers({ store }: Engine): readonly Digest[] {
  const found = attempt(() => readLayers(store))
  return found === 'unreadable' ? [] : found.filter(({ isDerived }) => isDerived).map(({ diffId }) => diffId)
}

function isSpoilt({ store }: Engine, hex: string, quick: boolean): boolean {
  const digest = `sha256:${hex}`
  return !quick && isDigest(digest) && hasBlob(store, digest) && !isIntact(store, digest)
}
