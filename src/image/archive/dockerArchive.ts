import { createHash } from 'node:crypto'
import type { Digest } from '../../base/brand.ts'
import { parseDigest } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { type Compression, detectCompression } from '../compression.ts'
import { MAX_CONFIG_SIZE, parseImageConfig } from '../config.ts'
import { type JsonReader, jsonReader } from '../json.ts'
import { MAX_MANIFEST_SIZE } from '../manifest.ts'
import { MEDIA_TYPE } from '../mediaTypes.ts'
import { parseReference } from '../reference.ts'
import { collectBlob, digestOf, exactly } from '../verify.ts'
import { type FileTree, needFile, readWhole, type TreeFile } from './fileTree.ts'
import type { ArchiveImage, ImageArchive } from './imageArchive.ts'

const MANIFEST = 'manifest.json'

export function isDockerArchive(tree: FileTree): boolean {
  return tree.find(MANIFEST) !== undefined
}

/**
 * What `docker save` and `podman save` write: manifest.json names the configuration and the layers by path. Such an archive has
 * no manifest with digests, so an OCI manifest is made from what is there. Owns the tree.
 * @throws BryoError INVALID_ARCHIVE, INVALID_IMAGE
 */
export async function openDockerArchive(tree: FileTree): Promise<ImageArchive> {
  const files = new Map<Digest, TreeFile>()
  const images: ArchiveImage[] = []
  for (const item of await readItems(tree)) images.push(await readImage(tree, item, files))
  const openBlob = (descriptor: Descriptor, offset: number) => {
    const file = files.get(descriptor.digest)
    if (!file)
      throw new BryoError('INVALID_ARCHIVE', `cannot find blob ${descriptor.digest} in "${tree.label}"`)
    return exactly(
      `"${file.name}" of "${tree.label}"`,
      file.read(offset),
      Math.max(0, descriptor.size - offset),
    )
  }
  const readBlob = (descriptor: Descriptor, limit: number) =>
    collectBlob(`blob ${descriptor.digest} of "${tree.label}"`, openBlob(descriptor, 0), descriptor, limit)
  return {
    label: tree.label,
    form: 'docker',
    images,
    openBlob,
    readBlob,
    readManifest: (descriptor) => readBlob(descriptor, MAX_MANIFEST_SIZE),
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  }
}

interface Item {
  readonly config: string
  readonly repoTags: readonly string[]
  readonly layers: readonly string[]
}

async function readItems(tree: FileTree): Promise<readonly Item[]> {
  const json = jsonReader(`"${MANIFEST}" of the archive`)
  const bytes = await readWhole(tree, needFile(tree, MANIFEST), MAX_MANIFEST_SIZE)
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new BryoError(
      'INVALID_ARCHIVE',
      `cannot read image archive "${tree.label}": "${MANIFEST}" is no JSON`,
      {
        cause,
      },
    )
  }
  return json.array(document, MANIFEST).map((value, index) => readItem(json, value, `[${index}]`))
}

function readItem(json: JsonReader, value: unknown, member: string): Item {
  const item = json.object(value, member)
  return {
    config: json.string(item.Config, `${member}.Config`),
    repoTags: json.strings(item.RepoTags, `${member}.RepoTags`),
    layers: json.strings(item.Layers, `${member}.Layers`),
  }
}

async function readImage(tree: FileTree, item: Item, files: Map<Digest, TreeFile>): Promise<ArchiveImage> {
  const configFile = needFile(tree, item.config)
  const configBytes = await readWhole(tree, configFile, MAX_CONFIG_SIZE)
  const { diffIds } = parseImageConfig(configBytes)
  if (diffIds.length !== item.layers.length) {
    throw new BryoError(
      'INVALID_ARCHIVE',
      `cannot read image archive "${tree.label}": "${item.config}" names ${diffIds.length} layers, "${MANIFEST}" ${item.layers.length}`,
    )
  }
  const config: Descriptor = {
    mediaType: MEDIA_TYPE.ociConfig,
    digest: digestOf(configBytes),
    size: configBytes.byteLength,
  }
  files.set(config.digest, configFile)
  const layers: Descriptor[] = []
  for (const [index, path] of item.layers.entries()) {
    const file = needFile(tree, path)
    const layer = await describeLayer(file, diffIds[index])
    files.set(layer.digest, file)
    layers.push(layer)
  }
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers }),
  )
  return {
    // Docker writes short names for images of the Hub.
    names: item.repoTags.map(parseReference),
    document: { bytes, digest: digestOf(bytes), mediaType: MEDIA_TYPE.ociManifest, generated: true },
  }
}

/** A plain layer's digest is its diff id, so that only compressed ones have to be read twice. */
async function describeLayer(file: TreeFile, diffId: Digest | undefined): Promise<Descriptor> {
  const compression = await compressionOf(file)
  if (compression === 'none' && diffId !== undefined) {
    return { mediaType: MEDIA_TYPE.ociLayer, digest: diffId, size: file.size }
  }
  const hash = createHash('sha256')
  for await (const chunk of file.read(0)) hash.update(chunk)
  const mediaType = compression === 'zstd' ? MEDIA_TYPE.ociLayerZstd : MEDIA_TYPE.ociLayerGzip
  return { mediaType, digest: parseDigest(`sha256:${hash.digest('hex')}`), size: file.size }
}

async function compressionOf(file: TreeFile): Promise<Compression> {
  for await (const chunk of file.read(0)) return detectCompression(chunk)
  return 'none'
}
