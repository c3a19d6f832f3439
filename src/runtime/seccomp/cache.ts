import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { isErrno, unlessErrno } from '../../base/errors.ts'
import type { SeccompFilter } from './filter.ts'

/**
 * Compiled filters, a file each: an 8-byte magic, as 32 bits each the filter's flags, the length of the stamp, the length of the
 * program and 0, then the stamp padded to 8 bytes, and the program. The stamp is path, size and time of the libseccomp that
 * compiled it.
 */
const MAGIC = 'bryobpf1'
const HEADER = 24
const ALIGNMENT = 8
const SIZEOF_INSTRUCTION = 8
const MAX_INSTRUCTIONS = 4096
const MAX_FILE = HEADER + 4096 + MAX_INSTRUCTIONS * SIZEOF_INSTRUCTION
const RETURN = 0x06
const MAX_FILES = 64

/**
 * A filter that an earlier run compiled; undefined where there is none that can be trusted: it must belong to the caller,
 * writable by nobody else, in one piece, and be the work of the libseccomp that is installed now.
 */
export function readCachedFilter(directory: string, name: string): SeccompFilter | undefined {
  const content = readOwnFile(`${directory}/${name}`)
  if (!content || content.length < HEADER || content.toString('latin1', 0, MAGIC.length) !== MAGIC)
    return undefined
  const flags = content.readUInt32LE(8)
  const start = programOffset(content.readUInt32LE(12))
  const program = content.subarray(start)
  if (program.length !== content.readUInt32LE(16) || program.length % SIZEOF_INSTRUCTION !== 0)
    return undefined
  if (program.length < SIZEOF_INSTRUCTION) return undefined
  if (program.readUInt16LE(program.length - SIZEOF_INSTRUCTION) !== RETURN) return undefined
  const [library = ''] = content.toString('utf8', HEADER, start).split('\0')
  const stamp = content.toString('utf8', HEADER, HEADER + content.readUInt32LE(12))
  return stamp === stampOf(library) ? { program, flags } : undefined
}

/** Keeps a filter for later runs. The cache is no place to fail: where it cannot be written, every run compiles. */
export function writeCachedFilter(request: {
  readonly directory: string
  readonly name: string
  readonly filter: SeccompFilter
  /** Path of the libseccomp that compiled it. */
  readonly library: string
}): void {
  const stamp = stampOf(request.library)
  if (stamp === undefined) return
  try {
    mkdirSync(request.directory, { recursive: true, mode: 0o700 })
    if (!isOwnDirectory(request.directory)) return
    replaceFile(join(request.directory, request.name), encode(request.filter, stamp))
    removeOldest(request.directory)
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOENT', 'ENOTDIR', 'EEXIST'))
      throw error
  }
}

function encode({ program, flags }: SeccompFilter, stamp: string): Buffer {
  const length = Buffer.byteLength(stamp)
  const content = Buffer.alloc(programOffset(length) + program.byteLength)
  content.write(MAGIC, 'latin1')
  content.writeUInt32LE(flags, 8)
  content.writeUInt32LE(length, 12)
  content.writeUInt32LE(program.byteLength, 16)
  content.write(stamp, HEADER)
  content.set(program, programOffset(length))
  return content
}

function programOffset(stampLength: number): number {
  return HEADER + Math.ceil(stampLength / ALIGNMENT) * ALIGNMENT
}

/** undefined where the library is gone. */
function stampOf(library: string): string | undefined {
  const stats = library.startsWith('/') ? statSync(library, { throwIfNoEntry: false }) : undefined
  return stats && `${library}\0${stats.size}\0${stats.mtimeMs}\0${stats.ino}`
}

function readOwnFile(path: string): Buffer | undefined {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const fd = unlessErrno(() => openSync(path, flags), 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO')
  if (fd === undefined) return undefined
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || !isOurs(stats) || stats.size > MAX_FILE) return undefined
    const content = Buffer.alloc(stats.size)
    return readSync(fd, content, 0, content.length, 0) === content.length ? content : undefined
  } finally {
    closeSync(fd)
  }
}

function isOurs(stats: { readonly uid: number; readonly mode: number }): boolean {
  return stats.uid === process.geteuid?.() && (stats.mode & 0o022) === 0
}

function isOwnDirectory(path: string): boolean {
  const stats = lstatSync(path)
  return stats.isDirectory() && isOurs(stats)
}

function replaceFile(path: string, content: Buffer): void {
  const temporary = `${path}.${process.pid}.tmp`
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(fd, content)
    fsyncSync(fd)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Filters of earlier kernels and versions, and what a killed writer left, go with time. */
function removeOldest(directory: string): void {
  const files = readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    return stats?.isFile() ? [{ path, time: stats.mtimeMs }] : []
  })
  files.sort((a, b) => b.time - a.time)
  for (const { path } of files.slice(MAX_FILES)) rmSync(path, { force: true })
}
