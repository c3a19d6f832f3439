import { closeSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../../../../base/errors.ts'
import type { TarEntry } from '../../../../base/tarEntry.ts'
import { drain, fdSource } from '../../../../image/tar/input.ts'
import { readTar } from '../../../../image/tar/read.ts'
import { cleanName, quotePath } from '../../../../storage/apply/layerPath.ts'
import { openNode } from '../../../../storage/tree/node.ts'
import {
  dressNode,
  type PlaceOptions,
  placeDirectory,
  placeEntry,
  placeLink,
} from '../../../../storage/tree/place.ts'
import { O, openat2, setTimeOfFd } from '../../../../syscall/file.ts'
import { type DirectoryTrail, trailFrom } from './trail.ts'

export interface UnpackedTree {
  /** Device nodes that were left out: a user namespace may not make them. */
  readonly skippedDevices: number
}

/**
 * Unpacks an archive below a directory. Each name is looked up on its own, from the directory's fd on, and never through a link: not
 * through one of the archive, nor through one that somebody puts there meanwhile.
 * @throws BryoError INVALID_ARCHIVE, USAGE, NO_SPACE
 */
export function unpackTree(tarFd: number, directoryFd: number, options: PlaceOptions): UnpackedTree {
  using trail = trailFrom(directoryFd, options)
  const directories: FinishedDirectory[] = []
  let skippedDevices = 0
  for (const entry of readTar(fdSource(tarFd))) {
    try {
      if (entry.type === 'character' || entry.type === 'block') skippedDevices += 1
      else placeOne({ trail, directories, options }, entry)
    } catch (error) {
      throw explain(error, entry)
    }
  }
  drain(tarFd)
  for (const directory of directories.reverse()) {
    try {
      finishDirectory(trail, directory, options)
    } catch (error) {
      throw explain(error, directory.entry)
    }
  }
  return { skippedDevices }
}

interface FinishedDirectory {
  readonly path: Buffer
  /** Without its content. */
  readonly entry: TarEntry
}

interface Unpacking {
  readonly trail: DirectoryTrail
  readonly directories: FinishedDirectory[]
  readonly options: PlaceOptions
}

function placeOne({ trail, directories, options }: Unpacking, entry: TarEntry): void {
  const path = cleanName(entry.name)
  if (path.length === 0) {
    if (entry.type !== 'directory') {
      throw new BryoError('INVALID_ARCHIVE', `the archive's root is a ${entry.type}, expected a directory`)
    }
    return
  }
  const { dirfd, name } = trail.parentOf(path)
  switch (entry.type) {
    case 'directory':
      placeDirectory(dirfd, name, options)[Symbol.dispose]()
      directories.push({ path, entry })
      return
    case 'hardlink':
      linkTo(trail, { dirfd, name }, { entry, options })
      return
    default:
      placeEntry(dirfd, name, entry, options)
  }
}

function linkTo(
  trail: DirectoryTrail,
  to: { readonly dirfd: number; readonly name: Buffer },
  { entry, options }: { readonly entry: TarEntry; readonly options: PlaceOptions },
): void {
  const [toFd, target] = [duplicate(to.dirfd), cleanName(entry.linkName)]
  try {
    placeLink(trail.parentOf(target), { dirfd: toFd, name: to.name }, options)
  } finally {
    closeSync(toFd)
  }
}

function duplicate(dirfd: number): number {
  return openat2({ dirfd, path: '.', flags: O.path | O.directory })
}

/** When nothing is made in it any more: its mode may forbid that, and its time would change. */
function finishDirectory(
  trail: DirectoryTrail,
  { path, entry }: FinishedDirectory,
  options: PlaceOptions,
): void {
  const { dirfd, name } = trail.parentOf(path)
  using node = openNode(dirfd, name)
  // Somebody has moved it away meanwhile.
  if (node?.facts.type !== 'directory') return
  dressNode(node.fd, entry, options)
  setTimeOfFd(node.fd, entry.mtime)
}

function explain(error: unknown, entry: TarEntry): unknown {
  if (error instanceof BryoError) return error
  const subject = `cannot copy to ${quotePath(entry.name)}`
  if (isErrno(error, 'ENOSPC', 'EDQUOT'))
    return new BryoError('NO_SPACE', `${subject}: no space left`, { cause: error })
  if (isErrno(error, 'EACCES', 'EPERM'))
    return new BryoError('PERMISSION', `${subject}: permission denied`, { cause: error })
  if (isErrno(error, 'EROFS'))
    return new BryoError('PERMISSION', `${subject}: read-only filesystem`, { cause: error })
  return new BryoError('STORAGE', `${subject}: ${messageOf(error)}`, { cause: error })
}
