import { chmodSync, closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { TarEntry } from '../../base/tarEntry.ts'
import { SyscallError } from '../../syscall/error.ts'
import {
  chownat,
  fsetModificationTime,
  linkat,
  mkdirat,
  mknodat,
  O,
  openat2,
  S_IF,
  setTimeOfFd,
  symlinkat,
  unlinkErrno,
} from '../../syscall/file.ts'
import { setFdXattr } from '../../syscall/xattr.ts'
import { quotePath } from '../apply/layerPath.ts'
import { xattrPolicy } from '../apply/xattrs.ts'
import { openNode, type TreeNode } from './node.ts'
import { unlinkTree } from './unlink.ts'

export interface PlaceOptions {
  /** Who owns what is placed; undefined leaves it to the process that does it. */
  readonly ownerOf?:
    | ((entry: Pick<TarEntry, 'uid' | 'gid'>) => { readonly uid: number; readonly gid: number })
    | undefined
  /** Bits of the mode that are kept. */
  readonly modeMask: number
  /** File capabilities are kept too, beside the users' own attributes. */
  readonly capabilities: boolean
  /** A directory may take the place of something else, and the other way round. */
  readonly overwrite: boolean
  /** A file that cannot be replaced because something is mounted on it is written over instead. */
  readonly writeInPlace: boolean
}

const NEW_FILE = O.wronly | O.creat | O.excl | O.nofollow

/**
 * Makes the directory, or keeps the one that is there; anything else gives way only where that is allowed.
 * @returns an O_PATH fd of it
 * @throws BryoError USAGE where something else is in its place
 */
export function placeDirectory(
  dirfd: number,
  name: Buffer,
  { overwrite }: Pick<PlaceOptions, 'overwrite'>,
): TreeNode {
  for (;;) {
    const found = openNode(dirfd, name)
    if (found?.facts.type === 'directory') return found
    found?.[Symbol.dispose]()
    if (found && !overwrite) {
      throw new BryoError(
        'USAGE',
        `cannot overwrite non-directory ${quotePath(name)} with directory ${quotePath(name)}`,
        { hint: 'use --overwrite to replace it' },
      )
    }
    if (found) makeWay(dirfd, name, { overwrite, writeInPlace: false })
    try {
      mkdirat(dirfd, name, 0o700)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
  }
}

/** Everything but a directory. What was there gives way. @throws BryoError USAGE for a directory in its place */
export function placeEntry(dirfd: number, name: Buffer, entry: TarEntry, options: PlaceOptions): void {
  if (!makeWay(dirfd, name, options)) {
    writeInPlace(dirfd, name, entry)
    return
  }
  switch (entry.type) {
    case 'file':
      placeFile(dirfd, name, entry, options)
      return
    case 'symlink':
      symlinkat(entry.linkName, dirfd, name)
      break
    case 'fifo':
      mknodat(dirfd, name, S_IF.fifo | 0o600)
      break
    default:
      throw new Error(`a ${entry.type} cannot be placed`)
  }
  using node = openNode(dirfd, name)
  if (!node) return
  dressNode(node.fd, entry, options)
  setTimeOfFd(node.fd, entry.mtime)
}

/** A further name for a file that is there. */
export function placeLink(
  from: { readonly dirfd: number; readonly name: Buffer },
  to: { readonly dirfd: number; readonly name: Buffer },
  options: PlaceOptions,
): void {
  if (!makeWay(to.dirfd, to.name, options)) throw new SyscallError('unlinkat', constants.errno.EBUSY)
  linkat(from.dirfd, from.name, to.dirfd, to.name)
}

/** @returns false where the file stays, because something is mounted on it and it may be written over */
function makeWay(
  dirfd: number,
  name: Buffer,
  { overwrite, writeInPlace }: Pick<PlaceOptions, 'overwrite' | 'writeInPlace'>,
): boolean {
  const errno = unlinkErrno(dirfd, name)
  if (errno === 0 || errno === ENOENT) return true
  if (errno === EBUSY && writeInPlace) return false
  if (errno !== EISDIR) throw new SyscallError('unlinkat', errno, { path: String(name) })
  if (!overwrite) {
    throw new BryoError(
      'USAGE',
      `cannot overwrite directory ${quotePath(name)} with non-directory ${quotePath(name)}`,
      { hint: 'use --overwrite to replace it' },
    )
  }
  unlinkTree(`/proc/self/fd/${dirfd}/.`, name)
  return true
}

const { EBUSY, EISDIR, ENOENT } = constants.errno

function placeFile(dirfd: number, name: Buffer, entry: TarEntry, options: PlaceOptions): void {
  const fd = openat2({ dirfd, path: name, flags: NEW_FILE, mode: 0o600 })
  try {
    entry.content.copyTo(fd)
    dressNode(fd, entry, options)
    fsetModificationTime(fd, entry.mtime)
  } finally {
    closeSync(fd)
  }
}

/** Owner, mode and attributes stay those of what is mounted there. */
function writeInPlace(dirfd: number, name: Buffer, entry: TarEntry): void {
  using node = openNode(dirfd, name)
  if (node?.facts.type !== 'file' || entry.type !== 'file') {
    throw new SyscallError('unlinkat', EBUSY, { path: String(name) })
  }
  const fd = openSync(`/proc/self/fd/${node.fd}`, O.wronly | O.trunc | O.cloexec)
  try {
    entry.content.copyTo(fd)
  } finally {
    closeSync(fd)
  }
}

/** What a file is given when it has been made. */
export type Dress = Pick<TarEntry, 'type' | 'mode' | 'uid' | 'gid' | 'xattrs'>

/** Owner first: its change clears set-id bits and capabilities. @param fd of the object itself; O_PATH will do */
export function dressNode(fd: number, entry: Dress, options: PlaceOptions): void {
  const owner = options.ownerOf?.(entry)
  if (owner) chownat({ dirfd: fd, path: '', ...owner })
  if (entry.type !== 'symlink') chmodSync(`/proc/self/fd/${fd}`, entry.mode & options.modeMask)
  for (const [name, value] of entry.xattrs) {
    if (xattrPolicy(name) !== 'set' || entry.type === 'symlink') continue
    if (name.startsWith('security.') && !options.capabilities) continue
    setXattr(fd, name, value)
  }
}

/** A filesystem without attributes keeps the rest of the file. */
function setXattr(fd: number, name: string, value: Buffer): void {
  try {
    setFdXattr(fd, name, value)
  } catch (error) {
    if (!isErrno(error, 'EOPNOTSUPP', 'ENOTSUP', 'EPERM')) throw error
  }
}
