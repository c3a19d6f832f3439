import type { TarHeader } from '../../../base/tarEntry.ts'
import type { TreeEntry, TreeMark } from '../../../base/treeEntry.ts'
import { createFdTarWriter } from '../../../image/tar/write.ts'
import { baseNameOf, childOf, parentOf } from '../../../storage/apply/layerPath.ts'
import { walkLayer } from '../../../storage/tree/layer.ts'
import type { StackLevel } from '../../../storage/tree/stack.ts'
import { createTreeWriter } from '../../stage/writeTree.ts'
import { isOwnPath } from '../ownPaths.ts'

const OPAQUE = Buffer.from('.wh..wh..opq')
const WHITEOUT = Buffer.from('.wh.')

/**
 * Writes what a container has changed as an image's layer: what is gone as `.wh.` files, without the places of bryo's own mounts. The
 * same content always gives the same bytes.
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export function writeLayerArchive(upper: StackLevel | undefined, outFd: number): void {
  const tar = createFdTarWriter(outFd)
  const writer = createTreeWriter(tar)
  for (const item of upper ? walkLayer(upper) : []) {
    if (item.kind !== 'entry') tar.add(markHeader(nameOfMark(item)))
    else if (!isMountPlace(item.entry)) writer.add(item.entry)
  }
  writer.finish()
}

function nameOfMark({ kind, path }: TreeMark): Buffer {
  if (kind === 'opaque') return childOf(path, OPAQUE)
  return childOf(parentOf(path), Buffer.concat([WHITEOUT, baseNameOf(path)]))
}

/** What a start has made to mount on: an empty file or a directory. */
function isMountPlace({ path, facts }: TreeEntry): boolean {
  const isEmpty = facts.type === 'directory' || (facts.type === 'file' && facts.size === 0)
  return isEmpty && isOwnPath(`/${path.toString()}`)
}

function markHeader(name: Buffer): TarHeader {
  return {
    name,
    type: 'file',
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: { seconds: 0n, nanoseconds: 0n },
    linkName: Buffer.alloc(0),
    devMajor: 0,
    devMinor: 0,
    xattrs: new Map(),
  }
}
