import { closeSync } from 'node:fs'
import type { Digest } from '../../../base/brand.ts'
import { digestHex } from '../../../base/digest.ts'
import { BryoError } from '../../../base/errors.ts'
import { isObject, type JsonObject } from '../../../base/json.ts'
import { parseChanges } from '../../../image/changes.ts'
import { MAX_CONFIG_SIZE, parseImageConfig } from '../../../image/config.ts'
import { parseJsonObject } from '../../../image/json.ts'
import { MEDIA_TYPE } from '../../../image/mediaTypes.ts'
import { newLocalName } from '../../../image/reference.ts'
import { readBlob } from '../../../storage/blob/read.ts'
import { putBlob } from '../../../storage/blob/write.ts'
import { requireContainer } from '../../../storage/container/find.ts'
import type { ContainerRecord } from '../../../storage/container/record.ts'
import { effectiveState } from '../../../storage/container/state.ts'
import { appendEvent } from '../../../storage/events.ts'
import { collectGarbage } from '../../../storage/gc.ts'
import { lockForAdding, putImage } from '../../../storage/image/edit.ts'
import { readAllImages, readImage } from '../../../storage/image/images.ts'
import type { ImageLayer, ImageRecord } from '../../../storage/image/record.ts'
import { recoverStore } from '../../../storage/recover.ts'
import { explainSpace } from '../../../storage/space.ts'
import { ownFd, pipe } from '../../../syscall/fd.ts'
import type { Engine } from '../../engine.ts'
import { type StoredLayer, storeLayer } from '../../image/storeLayer.ts'
import { containerEvent } from '../event.ts'
import { pauseContainer } from '../pause.ts'
import { startInMaps } from '../rootAccess/runInMaps.ts'
import { type ContainerTrees, openContainerTrees } from '../rootAccess/trees.ts'
import { containerSettings } from '../settings.ts'
import { writeLayerArchive } from '../stage/archiveLayer.ts'
import { writeTreeArchive } from '../stage/archiveTree.ts'
import { committedConfig } from './config.ts'
import { imageDocument, imageManifest, layerType, type ManifestFormat, manifestType } from './document.ts'

export interface CommitRequest {
  readonly container: string
  /** A short name belongs to `localhost/`; without one the image has only its id. */
  readonly reference: string | undefined
  readonly changes: readonly string[]
  readonly author: string | undefined
  readonly message: string | undefined
  readonly format: ManifestFormat
  readonly includeVolumes: boolean
  /** One layer with the whole root. */
  readonly squash: boolean
  readonly pause: boolean
  /** RFC 3339. */
  readonly created: string
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/**
 * `commit`: makes an image of a container's changes over its own image.
 * @throws BryoError NOT_FOUND, USAGE, INVALID_REFERENCE, UNSUPPORTED, NO_SPACE; then nothing is left
 */
export async function commitContainer(engine: Engine, request: CommitRequest): Promise<Digest> {
  const { store, runInUserns } = engine
  const changes = parseChanges(request.changes)
  const name = request.reference === undefined ? undefined : newLocalName(request.reference, 'commit')
  const record = requireContainer(store, request.container)
  using paused = new DisposableStack()
  if (request.pause && effectiveState(store, record.id).status === 'running') {
    pauseContainer(engine, request.container, 'pause')
    paused.defer(() => goOn(engine, record))
  }
  using trees = openContainerTrees(engine, record)
  if (trees.isDirectory)
    throw new BryoError(
      'UNSUPPORTED',
      `cannot commit container "${record.name}": its root is a directory of its own, expected an image`,
      { hint: 'pack the directory and use bryo import' },
    )
  recoverStore(store, runInUserns)
  try {
    using _lock = lockForAdding(store)
    const base = request.squash ? undefined : baseImage(engine, record)
    const layer = await storeChanges(engine, trees, request)
    const id = putCommitted(engine, { request, record, base, layer, name, changes })
    appendEvent(store, containerEvent(record, 'commit', { imageID: digestHex(id) }))
    return id
  } catch (error) {
    collectGarbage(store, { runInUserns, partials: false })
    throw explainSpace(error, store.dataRoot)
  }
}

/** Unless somebody else has let it go on, or ended it. */
function goOn(engine: Engine, { id }: ContainerRecord): void {
  if (effectiveState(engine.store, id).status === 'paused') pauseContainer(engine, id, 'unpause')
}

/** undefined for a container that stands on no image. @throws BryoError NOT_FOUND where its image is gone */
function baseImage({ store }: Engine, { image, name }: ContainerRecord): ImageRecord | undefined {
  if (!image) return undefined
  const summary = readAllImages(store).find(({ id }) => id === image.id)
  const found = summary && readImage(store, summary)
  if (found?.layers.every(({ blob }) => blob !== undefined)) return found
  throw new BryoError('NOT_FOUND', `cannot commit container "${name}": its image "${image.name}" is gone`, {
    hint: 'pull it again, or make an image that needs none: --squash',
  })
}

async function storeChanges(
  engine: Engine,
  trees: ContainerTrees,
  { squash, onProgress }: CommitRequest,
): Promise<StoredLayer> {
  const { upper, lower, maps } = trees
  const whole = upper ? [upper, ...lower] : lower
  const used = squash ? whole : upper ? [upper] : []
  const [tarRead, tarWrite] = pipe()
  using input = ownFd(tarRead)
  using output = ownFd(tarWrite)
  using task = startInMaps(engine, {
    what: 'read the container',
    maps,
    keepFds: [output.fd, ...used.map(({ fd }) => fd)],
    work: () => {
      if (squash) writeTreeArchive(whole, output.fd)
      else writeLayerArchive(upper, output.fd)
      closeSync(output.fd)
    },
  })
  output.close()
  try {
    const layer = await storeLayer(engine, input.fd, onProgress)
    task.finish()
    return layer
  } catch (error) {
    // Whoever wrote stops, and what it has to say comes first.
    input.close()
    task.finish()
    throw error
  }
}

interface Committed {
  readonly request: CommitRequest
  readonly record: ContainerRecord
  readonly base: ImageRecord | undefined
  readonly layer: StoredLayer
  readonly name: string | undefined
  readonly changes: ReturnType<typeof parseChanges>
}

function putCommitted(engine: Engine, committed: Committed): Digest {
  const { store } = engine
  const { request, base, layer, name } = committed
  const { format, created } = request
  const configBytes = Buffer.from(JSON.stringify(documentOf(engine, committed)))
  const config = parseImageConfig(configBytes)
  const configBlob = putBlob(store, configBytes)
  const blob = { mediaType: layerType(format, MEDIA_TYPE.ociLayer), ...layer.blob }
  const layers: readonly ImageLayer[] = [
    ...(base?.layers ?? []),
    { diffId: layer.diffId, size: layer.size, blob },
  ]
  const manifest = imageManifest(
    format,
    configBlob,
    layers.flatMap((one) => one.blob ?? []),
  )
  const manifestBlob = putBlob(store, Buffer.from(JSON.stringify(manifest)))
  putImage(store, {
    id: configBlob.digest,
    manifestDigest: manifestBlob.digest,
    names: name === undefined ? [] : [name],
    repoDigests: [],
    created,
    size: layers.reduce((sum, { size }) => sum + size, 0),
    layers,
    config,
    manifestMediaType: manifestType(format),
    otherBlobs: [],
  })
  return configBlob.digest
}

function documentOf(engine: Engine, { request, record, base, layer, changes }: Committed): JsonObject {
  const document = base && readDocument(engine, base.id)
  const settings = containerSettings(engine, record)
  const raw = isObject(document?.config) ? document.config : {}
  const { author, message, format, created, includeVolumes } = request
  return imageDocument({
    base: document,
    config: committedConfig({ ...settings.config, image: settings.image, raw, changes, includeVolumes }),
    diffIds: [...(base?.layers ?? []).map(({ diffId }) => diffId), layer.diffId],
    created,
    createdBy: record.command.join(' '),
    author,
    message,
    format,
  })
}

function readDocument({ store }: Engine, id: Digest): JsonObject {
  return parseJsonObject('image configuration', readBlob(store, id, MAX_CONFIG_SIZE), MAX_CONFIG_SIZE)
}
