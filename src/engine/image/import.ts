import type { Digest } from '../../base/brand.ts'
import { type ConfigChanges, parseChanges } from '../../image/changes.ts'
import { parseImageConfig } from '../../image/config.ts'
import { MEDIA_TYPE } from '../../image/mediaTypes.ts'
import { hostPlatform } from '../../image/platform.ts'
import { newLocalName } from '../../image/reference.ts'
import { putBlob } from '../../storage/blob/write.ts'
import { collectGarbage } from '../../storage/gc.ts'
import { lockForAdding, putImage } from '../../storage/image/edit.ts'
import { recoverStore } from '../../storage/recover.ts'
import { explainSpace } from '../../storage/space.ts'
import { openArchive } from '../archiveFile.ts'
import type { Engine } from '../engine.ts'
import { noteImage } from './event.ts'
import { type StoredLayer, storeLayer } from './storeLayer.ts'

export interface ImportRequest {
  /** A tar file of a root directory, plain or compressed; `-` for standard input; or what a program writes. */
  readonly source: string | ImportStream
  /** A short name belongs to `localhost/`; without one the image has only its id. */
  readonly reference?: string | undefined
  /** `--change`. */
  readonly changes?: readonly string[] | undefined
  /** A remark for the history. */
  readonly message?: string | undefined
  /** RFC 3339. */
  readonly created: string
  readonly onProgress?: ((bytes: number) => void) | undefined
}

/** A tar archive that is being made. */
export interface ImportStream {
  readonly fd: number
  /** For the history. */
  readonly label: string
  /** Called when all was read, before there is an image; throws where the archive is not what it should be. */
  readonly finish: () => void
}

export interface ImportedImage {
  readonly id: Digest
  /** In full; undefined for an image without a name. */
  readonly name: string | undefined
}

const STDIN = 0

/**
 * Makes an image of one layer.
 * @throws BryoError USAGE, INVALID_REFERENCE, NOT_FOUND, PERMISSION, INVALID_ARCHIVE, UNSUPPORTED, NO_SPACE; then nothing is left
 */
export async function importImage(engine: Engine, request: ImportRequest): Promise<ImportedImage> {
  const config = parseChanges(request.changes ?? [])
  const name = request.reference === undefined ? undefined : newLocalName(request.reference, 'import')
  const { source } = request
  using input = typeof source !== 'string' || source === '-' ? undefined : openArchive(source)
  const fd = typeof source === 'string' ? (input?.fd ?? STDIN) : source.fd
  recoverStore(engine.store, engine.runInUserns)
  try {
    using _lock = lockForAdding(engine.store)
    const layer = await storeFrom(engine, fd, request)
    const id = putImportedImage(engine, request, { config, name, layer })
    noteImage(engine.store, 'import', { id, name })
    return { id, name }
  } catch (error) {
    collectGarbage(engine.store, { runInUserns: engine.runInUserns, partials: false })
    throw explainSpace(error, engine.store.dataRoot)
  }
}

/** Where the maker has failed, that comes before what its archive lacks. */
async function storeFrom(
  engine: Engine,
  fd: number,
  { source, onProgress }: ImportRequest,
): Promise<StoredLayer> {
  const finish = typeof source === 'string' ? () => {} : source.finish
  try {
    const layer = await storeLayer(engine, fd, onProgress)
    finish()
    return layer
  } catch (error) {
    finish()
    throw error
  }
}

function labelOf(source: ImportRequest['source']): string {
  if (typeof source !== 'string') return source.label
  return source === '-' ? 'standard input' : 'a tar archive'
}

const LAYER_TYPES = {
  none: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
} as const

function putImportedImage(
  engine: Engine,
  request: ImportRequest,
  parts: { readonly config: ConfigChanges; readonly name: string | undefined; readonly layer: StoredLayer },
): Digest {
  const { store } = engine
  const { config, name, layer } = parts
  const { created, message, source } = request
  const comment = message ?? `imported from ${labelOf(source)}`
  const document = {
    created,
    ...hostPlatform(process.arch),
    config,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created, comment }],
  }
  const configBytes = Buffer.from(JSON.stringify(document))
  const configBlob = putBlob(store, configBytes)
  const blob = { mediaType: LAYER_TYPES[layer.compression], ...layer.blob }
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.ociManifest,
    config: { mediaType: MEDIA_TYPE.ociConfig, ...configBlob },
    layers: [blob],
  }
  const manifestBlob = putBlob(store, Buffer.from(JSON.stringify(manifest)))
  putImage(store, {
    id: configBlob.digest,
    manifestDigest: manifestBlob.digest,
    names: name === undefined ? [] : [name],
    repoDigests: [],
    created,
    size: layer.size,
    layers: [{ diffId: layer.diffId, size: layer.size, blob }],
    config: parseImageConfig(configBytes),
    manifestMediaType: MEDIA_TYPE.ociManifest,
    otherBlobs: [],
  })
  return configBlob.digest
}
