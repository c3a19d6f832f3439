import { closeSync, fchmodSync, fchownSync, fstatSync, futimesSync, type Stats } from 'node:fs'
import { unlessErrno } from '../../base/errors.ts'
import { chmodat, chownat, mkdirat, mknodat, O, readlinkat, symlinkat } from '../../syscall/file.ts'
import { openInRootIfPresent } from '../../syscall/rootPath.ts'
import { fdXattr, fdXattrNames, setFdXattr } from '../../syscall/xattr.ts'
import { copyBytes } from './copyBytes.ts'
import { checkDepth, type Entry, entriesOf, openAt, openDirectory } from './tree.ts'

/**
 * Fills a new volume with what the image holds at its target, owners and attributes included. What is mounted there or below
 * is not the image's, and left out: a link of the image may lead to /proc, where this process still shows the host. Both trees are
 * walked by descriptors, as another container may have a part in the root directory.
 * @param volumeFd the volume, not yet attached
 * @param ownAttributes the volume's own directory keeps its owner and mode
 */
export function copyUpVolume(rootFd: number, target: string, volumeFd: number, ownAttributes: boolean): void {
  const source = openOfImage(rootFd, target)
  if (source === undefined) return
  try {
    using from = openDirectory(source)
    using to = openDirectory(volumeFd)
    const stats = fstatSync(source)
    copyContent(from.fd, to.fd, { depth: 0, device: stats.dev })
    if (!ownAttributes) copyAttributes(stats, to.fd)
  } finally {
    closeSync(source)
  }
}

function openOfImage(rootFd: number, path: string): number | undefined {
  return unlessErrno(
    () => openInRootIfPresent(rootFd, path, O.path | O.directory, { oneMount: true }),
    'EXDEV',
  )
}

interface CopyState {
  readonly depth: number
  /** st_dev of the image's directories. */
  readonly device: number
}

function copyContent(fromFd: number, toFd: number, state: CopyState): void {
  checkDepth(state.depth, 'fill a volume from the image')
  for (const entry of entriesOf(fromFd)) copyEntry(entry, { fromFd, toFd, ...state })
}

type CopyPlace = CopyState & { readonly fromFd: number; readonly toFd: number }

function copyEntry(entry: Entry & { readonly name: Buffer }, place: CopyPlace): void {
  const { name, stats } = entry
  const { toFd } = place
  if (stats.isDirectory()) {
    copyDirectory(entry, place)
  } else if (stats.isFile()) {
    copyFile(name, place)
  } else if (stats.isSymbolicLink()) {
    symlinkat(readlinkat(entry.fd, ''), toFd, name)
    chownat({ dirfd: toFd, path: name, uid: stats.uid, gid: stats.gid })
  } else if (stats.isFIFO() || stats.isSocket()) {
    mknodat(toFd, name, stats.mode)
    chownat({ dirfd: toFd, path: name, uid: stats.uid, gid: stats.gid })
    chmodat(toFd, name, stats.mode & 0o7777)
  }
}

function copyDirectory({ name, fd, stats }: Entry & { readonly name: Buffer }, place: CopyPlace): void {
  mkdirat(place.toFd, name, 0o700)
  if (stats.dev !== place.device) return
  using from = openDirectory(fd)
  using to = openAt(place.toFd, name, O.rdonly | O.directory)
  copyContent(from.fd, to.fd, { device: place.device, depth: place.depth + 1 })
  copyAttributes(stats, to.fd)
  copyXattrs(from.fd, to.fd)
}

function copyFile(name: Buffer, { fromFd, toFd }: CopyPlace): void {
  using from = openAt(fromFd, name, O.rdonly | O.nonblock | O.noctty)
  const stats = fstatSync(from.fd)
  // It is another one by now.
  if (!stats.isFile()) return
  using to = openAt(toFd, name, O.wronly | O.creat | O.excl, 0o600)
  copyBytes(from.fd, to.fd, stats.size)
  copyAttributes(stats, to.fd)
  // After the change of the owner, which takes a file's capabilities away.
  copyXattrs(from.fd, to.fd)
}

function copyAttributes(stats: Stats, toFd: number): void {
  fchownSync(toFd, stats.uid, stats.gid)
  fchmodSync(toFd, stats.mode & 0o7777)
  futimesSync(toFd, stats.atime, stats.mtime)
}

function copyXattrs(fromFd: number, toFd: number): void {
  for (const name of fdXattrNames(fromFd)) {
    if (!name.startsWith('user.') && name !== 'security.capability') continue
    const value = fdXattr(fromFd, name)
    if (value) setFdXattr(toFd, name, value)
  }
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * Gives a whole volume to the container's user, as far as it is not theirs. It is walked by descriptors: other containers may
 * use it, and change it meanwhile.
 */
export function chownVolume(volumeFd: number, owner: Owner): void {
  chownTree({ fd: volumeFd, stats: fstatSync(volumeFd) }, owner, 0)
}

function chownTree({ fd, stats }: Pick<Entry, 'fd' | 'stats'>, owner: Owner, depth: number): void {
  checkDepth(depth, 'change the owner of a volume')
  if (stats.uid !== owner.uid || stats.gid !== owner.gid) chownat({ dirfd: fd, path: '', ...owner })
  if (!stats.isDirectory()) return
  using directory = openDirectory(fd)
  for (const entry of entriesOf(directory.fd)) chownTree(entry, owner, depth + 1)
}
