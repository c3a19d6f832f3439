import { closeSync, fchmodSync, fchownSync, lstatSync, openSync, type Stats } from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { TarEntry } from '../../base/tarEntry.ts'
import {
  AT_FDCWD,
  chmodat,
  chownat,
  fsetModificationTime,
  linkat,
  mknodat,
  O,
  S_IF,
  setModificationTime,
  symlinkat,
} from '../../syscall/file.ts'
import { cleanName, inChroot, type LayerPath, quotePath } from './layerPath.ts'
import { setOverride, sharedMode } from './override.ts'
import { explainChown, type MappedIds, type Owner, type OwnershipMode } from './owner.ts'
import { isWhiteout, type LayerTree } from './place.ts'
import { applyXattrs, markOpaque } from './xattrs.ts'

export interface EntryContext {
  readonly tree: LayerTree
  readonly ownership: OwnershipMode
  readonly mapped: MappedIds
}

const SET_ID_BITS = 0o6000
const NEW_FILE = O.creat | O.excl | O.wronly | O.nofollow | O.cloexec

/** Creates a file with its content. Owner before mode and attributes: a change of owner clears set-id bits and capabilities. */
export function createFile(context: EntryContext, path: LayerPath, entry: TarEntry): void {
  const owner = ownerOf(context, entry)
  const fd = exclusively(context, path, () => openSync(inChroot(path), NEW_FILE, 0o600))
  try {
    entry.content.copyTo(fd)
    changeOwner(context, path, owner, () => fchownSync(fd, owner.uid, owner.gid))
    fchmodSync(fd, modeOf(context, owner, entry))
    if (context.ownership === 'attribute') setOverride(path, entry)
    if (entry.xattrs.size > 0) applyXattrs(path, kept(context, entry), false)
    fsetModificationTime(fd, entry.mtime)
  } finally {
    closeSync(fd)
  }
}

/** Creates a directory, or gives the one that is there its new metadata; its time is set at the end of the layer. */
export function createDirectory(context: EntryContext, path: LayerPath, entry: TarEntry): void {
  context.tree.ensureDirectory(path)
  const owner = ownerOf(context, entry)
  setOwner(context, path, owner)
  const isShared = context.ownership === 'attribute'
  chmodat(AT_FDCWD, inChroot(path), isShared ? 0o755 : modeOf(context, owner, entry))
  if (isShared) setOverride(path, entry)
  applyXattrs(path, kept(context, entry), false)
  context.tree.setTimeLater(path, entry.mtime)
}

export function createSymlink(context: EntryContext, path: LayerPath, entry: TarEntry): void {
  if (entry.linkName.length === 0 || entry.linkName.includes(0)) {
    throw new BryoError('INVALID_ARCHIVE', `cannot unpack ${quotePath(path)}: the link has no valid target`)
  }
  exclusively(context, path, () => symlinkat(entry.linkName, AT_FDCWD, inChroot(path)))
  setOwner(context, path, ownerOf(context, entry))
  applyXattrs(path, kept(context, entry), true)
  setModificationTime(AT_FDCWD, inChroot(path), entry.mtime)
}

export function createFifo(context: EntryContext, path: LayerPath, entry: TarEntry): void {
  const owner = ownerOf(context, entry)
  exclusively(context, path, () => mknodat(AT_FDCWD, inChroot(path), S_IF.fifo | 0o600))
  setOwner(context, path, owner)
  chmodat(AT_FDCWD, inChroot(path), modeOf(context, owner, entry))
  applyXattrs(path, kept(context, entry), false)
  setModificationTime(AT_FDCWD, inChroot(path), entry.mtime)
}

/**
 * A hard link to what this layer has unpacked before; owner, mode and times are the target's.
 * @throws BryoError INVALID_ARCHIVE where the target is missing, is a directory or a whiteout
 */
export function createHardLink(context: EntryContext, path: LayerPath, entry: TarEntry): void {
  const target = cleanName(entry.linkName)
  const stats = lstatSync(inChroot(target), { throwIfNoEntry: false })
  if (!stats) throw invalidLink(path, target, 'which this layer does not have before it')
  if (stats.isDirectory()) throw invalidLink(path, target, 'which is a directory')
  if (isWhiteout(stats)) throw invalidLink(path, target, 'which is a whiteout')
  if (isSameFile(lstatSync(inChroot(path), { throwIfNoEntry: false }), stats)) return
  exclusively(context, path, () => linkat(AT_FDCWD, inChroot(target), AT_FDCWD, inChroot(path)))
}

/** Hides what the layers below have at `path`; what this layer itself has there stays, with nothing else behind it. */
export function createWhiteout({ tree }: EntryContext, path: LayerPath): void {
  tree.ensureParent(path)
  const stats = lstatSync(inChroot(path), { throwIfNoEntry: false })
  if (!stats) mknodat(AT_FDCWD, inChroot(path), S_IF.chr, 0n)
  else if (stats.isDirectory()) markOpaque(path)
}

/** Does `create`; where something is in its way, removes that and does it once more. */
function exclusively<T>({ tree }: EntryContext, path: LayerPath, create: () => T): T {
  try {
    return create()
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
  tree.clear(path)
  return create()
}

function ownerOf({ ownership }: EntryContext, entry: TarEntry): Owner {
  return ownership === 'keep' ? { uid: entry.uid, gid: entry.gid } : ROOT
}

const ROOT: Owner = { uid: 0, gid: 0 }

/** A set-id bit says "with the owner's rights": it goes where the owner is not the one that was meant. */
function modeOf({ ownership }: EntryContext, owner: Owner, entry: TarEntry): number {
  if (ownership === 'attribute') return sharedMode(entry.mode)
  const isMeant = owner.uid === entry.uid && owner.gid === entry.gid
  return isMeant ? entry.mode : entry.mode & ~SET_ID_BITS
}

/** File capabilities are bound to the user namespace of who sets them: to others such a file would be one that cannot be executed. */
function kept({ ownership }: EntryContext, { xattrs }: TarEntry): ReadonlyMap<string, Buffer> {
  if (ownership !== 'attribute') return xattrs
  return new Map([...xattrs].filter(([name]) => name !== 'security.capability'))
}

function setOwner(context: EntryContext, path: LayerPath, owner: Owner): void {
  changeOwner(context, path, owner, () => chownat({ path: inChroot(path), ...owner }))
}

function changeOwner({ mapped }: EntryContext, path: LayerPath, owner: Owner, change: () => void): void {
  try {
    change()
  } catch (error) {
    throw explainChown(error, path, owner, mapped)
  }
}

function isSameFile(a: Stats | undefined, b: Stats): boolean {
  return a !== undefined && a.ino === b.ino && a.dev === b.dev
}

function invalidLink(path: LayerPath, target: LayerPath, found: string): BryoError {
  return new BryoError(
    'INVALID_ARCHIVE',
    `cannot unpack ${quotePath(path)}: it is a hard link to ${quotePath(target)}, ${found}`,
  )
}
