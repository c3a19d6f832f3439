import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { BryoError, isErrno } from '../../base/errors.ts'
import { AT_FDCWD, lgetxattr, llistxattr, lsetxattr, mknodat, O } from '../../syscall/file.ts'
import { openInRootIfPresent } from '../../syscall/rootPath.ts'

const MAX_DEPTH = 1000

/**
 * Fills a new volume with what the image holds at its target, owners and attributes included. What is mounted there or below
 * is not the image's, and left out: a link of the image may lead to /proc, where this process still shows the host.
 * @param volumeFd the volume, not yet attached
 * @param ownAttributes the volume's own directory keeps its owner and mode
 */
export function copyUpVolume(rootFd: number, target: string, volumeFd: number, ownAttributes: boolean): void {
  const source = openOfImage(rootFd, target)
  if (source === undefined) return
  try {
    const [from, to] = [`/proc/self/fd/${source}`, `/proc/self/fd/${volumeFd}`]
    copyContent(from, to, { depth: 0, device: fstatSync(source).dev })
    if (!ownAttributes) copyAttributes(`${from}/.`, `${to}/.`)
  } finally {
    closeSync(source)
  }
}

function openOfImage(rootFd: number, path: string): number | undefined {
  try {
    return openInRootIfPresent(rootFd, path, O.path | O.directory, { oneMount: true })
  } catch (error) {
    if (!isErrno(error, 'EXDEV')) throw error
    return undefined
  }
}

interface CopyState {
  readonly depth: number
  /** st_dev of the image's directories. */
  readonly device: number
}

function copyContent(from: string, to: string, state: CopyState): void {
  if (state.depth > MAX_DEPTH)
    throw new BryoError('STORAGE', 'cannot fill a volume from the image: directories are nested too deeply')
  for (const name of readdirSync(`${from}/`)) copyEntry(`${from}/${name}`, `${to}/${name}`, state)
}

function copyAttributes(from: string, to: string): void {
  const stat = lstatSync(from)
  lchownSync(to, stat.uid, stat.gid)
  chmodSync(to, stat.mode & 0o7777)
  utimesSync(to, stat.atime, stat.mtime)
}

function copyEntry(from: string, to: string, state: CopyState): void {
  const stat = lstatSync(from)
  if (stat.isDirectory()) {
    mkdirSync(to, 0o700)
    if (stat.dev !== state.device) return
    copyContent(from, to, { ...state, depth: state.depth + 1 })
    copyAttributes(from, to)
    copyXattrs(from, to)
    return
  }
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to)
    lchownSync(to, stat.uid, stat.gid)
    return
  }
  if (stat.isFile()) copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  else if (stat.isFIFO() || stat.isSocket()) mknodat(AT_FDCWD, to, stat.mode)
  else return
  copyAttributes(from, to)
  // After the change of the owner, which takes a file's capabilities away.
  copyXattrs(from, to)
}

function copyXattrs(from: string, to: string): void {
  for (const name of llistxattr(from)) {
    if (!name.startsWith('user.') && name !== 'security.capability') continue
    const value = lgetxattr(from, name)
    if (value) lsetxattr(to, name, value)
  }
}

/** Gives a whole volume to the container's user, as far as it is not theirs. */
export function chownVolume(volumeFd: number, owner: { readonly uid: number; readonly gid: number }): void {
  const root = `/proc/self/fd/${volumeFd}`
  chownTree(fstatSync(volumeFd).isDirectory() ? `${root}/.` : root, owner, 0)
}

function chownTree(path: string, owner: { readonly uid: number; readonly gid: number }, depth: number): void {
  if (depth > MAX_DEPTH)
    throw new BryoError('STORAGE', 'cannot change the owner of a volume: directories are nested too deeply')
  const stat = lstatSync(path)
  if (stat.uid !== owner.uid || stat.gid !== owner.gid) lchownSync(path, owner.uid, owner.gid)
  if (stat.isDirectory()) for (const name of readdirSync(path)) chownTree(`${path}/${name}`, owner, depth + 1)
}
