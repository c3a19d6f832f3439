import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { jsonReader, parseJsonObject } from '../json.ts'
import { type IndexEntry, MAX_MANIFEST_SIZE, parseManifest } from '../manifest.ts'
import { MEDIA_TYPE } from '../mediaTypes.ts'
import { type ImageReference, isReference, localReference } from '../reference.ts'
import type { BlobSource } from '../source.ts'
import { collectBlob, digestOf, exactly } from '../verify.ts'
import { type FileTree, needFile, readWhole } from './fileTree.ts'
import type { ArchiveDocument, ArchiveImage, ImageArchive } from './imageArchive.ts'

const INDEX = 'index.json'
const MARKER = 'oci-layout'
const MAX_MARKER_SIZE = 64 * 1024

/** @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
export function isOciLayout(tree: FileTree): boolean {
  return tree.find(INDEX) !== undefined && tree.find(MARKER) !== undefined
}

/** Owns the tree. @throws BryoError INVALID_ARCHIVE, INVALID_IMAGE, DIGEST_MISMATCH */
export async function openOciLayout(tree: FileTree): Promise<ImageArchive> {
  await checkVersion(tree)
  const bytes = await readWhole(tree, needFile(tree, INDEX), MAX_MANIFEST_SIZE)
  const index = parseManifest(bytes, MEDIA_TYPE.ociIndex)
  if (index.kind !== 'index') {
    throw new BryoError(
      'INVALID_ARCHIVE',
      `cannot read image archive "${tree.label}": "${INDEX}" is no index`,
    )
  }
  const source = layoutSource(tree)
  const images: ArchiveImage[] = []
  for (const group of groupByName(index.manifests)) images.push(await readGroup(source, group))
  return { ...source, label: tree.label, form: 'oci', images, [Symbol.dispose]: () => tree[Symbol.dispose]() }
}

async function checkVersion(tree: FileTree): Promise<void> {
  const bytes = await readWhole(tree, needFile(tree, MARKER), MAX_MARKER_SIZE)
  const version = parseJsonObject('"oci-layout"', bytes, MAX_MARKER_SIZE).imageLayoutVersion
  if (typeof version === 'string' && /^1\.\d+\.\d+$/.test(version)) return
  throw jsonReader('"oci-layout"').fail('imageLayoutVersion', '"1.0.0"')
}

function layoutSource(tree: FileTree): BlobSource {
  const open = (descriptor: Descriptor, offset: number) => {
    const what = `blob ${descriptor.digest}`
    const file = needFile(tree, `blobs/sha256/${digestHex(descriptor.digest)}`)
    if (file.size !== descriptor.size) {
      throw new BryoError(
        'DIGEST_MISMATCH',
        `cannot use ${what} of "${tree.label}": it has ${file.size} bytes, expected ${descriptor.size}`,
      )
    }
    return exactly(what, file.read(offset), Math.max(0, descriptor.size - offset))
  }
  const readBlob = (descriptor: Descriptor, limit: number) =>
    collectBlob(`blob ${descriptor.digest} of "${tree.label}"`, open(descriptor, 0), descriptor, limit)
  return {
    openBlob: open,
    readBlob,
    readManifest: (descriptor) => readBlob(descriptor, MAX_MANIFEST_SIZE),
  }
}

interface Group {
  readonly name: string | undefined
  readonly entries: readonly IndexEntry[]
}

/** Entries of one name that differ by platform are one image; all others stand for themselves. */
function groupByName(entries: readonly IndexEntry[]): readonly Group[] {
  const groups = new Map<string, IndexEntry[]>()
  entries.forEach((entry, position) => {
    const name = nameOf(entry)
    const key = entry.platform ? `name ${name}` : `entry ${position}`
    const group = groups.get(key)
    if (group) group.push(entry)
    else groups.set(key, [entry])
  })
  return [...groups.values()].map((group) => ({ name: group[0] && nameOf(group[0]), entries: group }))
}

function nameOf(entry: IndexEntry): string | undefined {
  return (
    entry.annotations['io.containerd.image.name'] ?? entry.annotations['org.opencontainers.image.ref.name']
  )
}

async function readGroup(source: BlobSource, { name, entries }: Group): Promise<ArchiveImage> {
  const names = referenceOf(name)
  const [only, second] = entries
  if (only && !second) {
    const bytes = await source.readBlob(only, MAX_MANIFEST_SIZE)
    const document = { bytes, digest: only.digest, mediaType: only.mediaType, generated: false }
    return { names, kind: only.annotations.kind, document }
  }
  return { names, document: indexOf(entries) }
}

/** An annotation may hold any text; what is no name leaves the image without one. */
function referenceOf(name: string | undefined): readonly ImageReference[] {
  return name !== undefined && isReference(name) ? [localReference(name)] : []
}

function indexOf(entries: readonly IndexEntry[]): ArchiveDocument {
  const mediaType = MEDIA_TYPE.ociIndex
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: entries }))
  return { bytes, digest: digestOf(bytes), mediaType, generated: true }
}
