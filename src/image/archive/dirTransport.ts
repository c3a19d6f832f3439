import { digestHex } from '../../base/digest.ts'
import { BryoError } from '../../base/errors.ts'
import type { Descriptor } from '../../base/image.ts'
import { MAX_MANIFEST_SIZE, parseManifest } from '../manifest.ts'
import { collectBlob, digestOf, exactly } from '../verify.ts'
import { type FileTree, needFile, readWhole } from './fileTree.ts'
import type { ImageArchive } from './imageArchive.ts'

const MANIFEST = 'manifest.json'
const VERSION = 'version'
const MAX_VERSION_SIZE = 1024

/** The directory of one image that skopeo calls `dir:` and Podman `docker-dir`. */
export function isDirTransport(tree: FileTree): boolean {
  return tree.find(VERSION) !== undefined && tree.find(MANIFEST) !== undefined
}

/** Owns the tree. The image has no name, and its manifest no digest but its own. @throws BryoError INVALID_ARCHIVE, INVALID_IMAGE */
export async function openDirTransport(tree: FileTree): Promise<ImageArchive> {
  const version = Buffer.from(await readWhole(tree, needFile(tree, VERSION), MAX_VERSION_SIZE)).toString()
  if (!/^Directory Transport Version: 1\.\d+\n$/.test(version)) {
    throw new BryoError(
      'INVALID_ARCHIVE',
      `cannot read image directory "${tree.label}": "${VERSION}" says ${JSON.stringify(version.slice(0, 100))}, expected "Directory Transport Version: 1.1"`,
    )
  }
  const bytes = await readWhole(tree, needFile(tree, MANIFEST), MAX_MANIFEST_SIZE)
  const { mediaType } = parseManifest(bytes)
  const openBlob = (descriptor: Descriptor, offset: number) => {
    const file = needFile(tree, digestHex(descriptor.digest))
    const what = `"${file.name}" of "${tree.label}"`
    return exactly(what, file.read(offset), Math.max(0, descriptor.size - offset))
  }
  const readBlob = (descriptor: Descriptor, limit: number) =>
    collectBlob(`blob ${descriptor.digest} of "${tree.label}"`, openBlob(descriptor, 0), descriptor, limit)
  const readManifest = async (descriptor: Descriptor): Promise<Uint8Array> => {
    const file = needFile(tree, `${digestHex(descriptor.digest)}.${MANIFEST}`)
    const what = `manifest ${descriptor.digest} of "${tree.label}"`
    return collectBlob(what, exactly(what, file.read(0), descriptor.size), descriptor, MAX_MANIFEST_SIZE)
  }
  return {
    label: tree.label,
    form: 'dir',
    images: [{ names: [], document: { bytes, digest: digestOf(bytes), mediaType, generated: false } }],
    openBlob,
    readBlob,
    readManifest,
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  }
}
