import { lstatSync, mkdirSync, readdirSync, rmdirSync, type Stats, statSync, unlinkSync } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { TarTime } from '../../base/tarEntry.ts'
import { AT_FDCWD, chmodat, chownat, setModificationTime } from '../../syscall/file.ts'
import { childOf, inChroot, type LayerPath, parentOf, pathKey, quotePath } from './layerPath.ts'
import { markOpaque } from './xattrs.ts'

const DIRECTORY_MODE = 0o755

/** What is known of the tree that grows below the chroot. Links in the parents of a path are followed, inside. */
export interface LayerTree {
  /** Makes sure that the directory which holds `path` is there; a missing one is root's, 0755. */
  ensureParent(path: LayerPath): void
  /** Removes what is at `path`, a directory with all that is in it. */
  clear(path: LayerPath): void
  /** Creates an empty directory, or keeps the one that is there. Other things give way to it. */
  ensureDirectory(path: LayerPath): void
  /** Sets a directory's time when {@link finish} is called: every entry made in it changes it. */
  setTimeLater(path: LayerPath, mtime: TarTime): void
  finish(): void
}

/** @param made called with each directory that no entry has described */
export function createLayerTree(made: (path: LayerPath) => void = () => {}): LayerTree {
  /** Directories, or links to them, that are there. */
  const known = new Set<string>([''])
  const times = new Map<string, { readonly path: LayerPath; readonly mtime: TarTime }>()

  const clear = (path: LayerPath): void => {
    const stats = lstatSync(inChroot(path), { throwIfNoEntry: false })
    if (!stats) return
    removeAll(path, stats)
    if (!stats.isDirectory() && !stats.isSymbolicLink()) return
    // Other names may have led through it.
    known.clear()
    known.add('')
    const prefix = `${pathKey(path)}/`
    for (const key of times.keys()) if (`${key}/`.startsWith(prefix)) times.delete(key)
  }

  const ensureKnown = (directory: LayerPath): void => {
    const key = pathKey(directory)
    if (known.has(key)) return
    if (!makeImplicitDirectory(directory, made)) {
      ensureKnown(parentOf(directory))
      if (!makeImplicitDirectory(directory, made)) throw new Error('a directory is gone that was there')
    }
    known.add(key)
  }

  const ensureDirectory = (path: LayerPath): void => {
    if (tryMakeDirectory(path)) return
    const stats = lstatSync(inChroot(path))
    if (stats.isDirectory()) return
    clear(path)
    if (!tryMakeDirectory(path)) throw new Error('something is there that was removed')
    if (isWhiteout(stats)) markOpaque(path)
  }

  const finish = (): void => {
    for (const { path, mtime } of times.values()) {
      try {
        setModificationTime(AT_FDCWD, inChroot(path), mtime)
      } catch (error) {
        // It was reached through a link that a later entry has replaced: it is another directory's name now, or none's.
        if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
      }
    }
  }

  return {
    ensureParent: (path) => ensureKnown(parentOf(path)),
    clear,
    ensureDirectory,
    setTimeLater: (path, mtime) => times.set(pathKey(path), { path, mtime }),
    finish,
  }
}

/** A whiteout as the overlay drivers know it. */
export function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0
}

/** False where something is there. */
function tryMakeDirectory(path: LayerPath): boolean {
  try {
    mkdirSync(inChroot(path), 0o700)
    return true
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    return false
  }
}

/** A directory that no entry has described so far; false where its own parent is missing. */
function makeImplicitDirectory(path: LayerPath, made: (path: LayerPath) => void): boolean {
  const absolute = inChroot(path)
  try {
    mkdirSync(absolute, DIRECTORY_MODE)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    if (!isErrno(error, 'EEXIST')) throw error
    return acceptParent(path, made)
  }
  makeRoots(absolute)
  made(path)
  return true
}

/** A set-group-id parent hands its group and that bit down. */
function makeRoots(absolute: Buffer): void {
  chownat({ path: absolute, uid: 0, gid: 0 })
  chmodat(AT_FDCWD, absolute, DIRECTORY_MODE)
}

/** What is at a parent's place: a directory, a link to one, or a whiteout that this layer itself takes back. */
function acceptParent(path: LayerPath, made: (path: LayerPath) => void): boolean {
  const absolute = inChroot(path)
  if (isWhiteout(lstatSync(absolute))) {
    unlinkSync(absolute)
    mkdirSync(absolute, DIRECTORY_MODE)
    makeRoots(absolute)
    made(path)
    markOpaque(path)
    return true
  }
  const target = statSync(absolute, { throwIfNoEntry: false })
  if (target?.isDirectory()) return true
  const found = target ? 'is a file' : 'is a link that leads nowhere'
  throw new BryoError(
    'INVALID_ARCHIVE',
    `cannot unpack into ${quotePath(path)}: it ${found}, expected a directory`,
  )
}

function removeAll(path: LayerPath, stats: Stats): void {
  const absolute = inChroot(path)
  if (!stats.isDirectory()) {
    unlinkSync(absolute)
    return
  }
  for (const name of readdirSync(absolute, { encoding: 'buffer' })) {
    const child = childOf(path, name)
    removeAll(child, lstatSync(inChroot(child)))
  }
  rmdirSync(absolute)
}
