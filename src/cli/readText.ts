import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { pollReadable } from '../syscall/fd.ts'
import { filesystemTypeOfFd } from '../syscall/mount.ts'
import { absoluteHostPath } from './parse/path.ts'

/** Nobody writes so much by hand, and a device must not fill the memory. */
const MAX_BYTES = 4 * 1024 * 1024
const CHUNK = 64 * 1024
const PIPEFS_MAGIC = 0x50495045
/** A pipe that nobody has opened for writing yet, and one whose writer says nothing. */
const WRITER_MS = 3_000
const SILENCE_MS = 30_000

/** The text of a file that an option names: a pipe is read to its end, but does not keep the command waiting for ever. @throws BryoError USAGE */
export function readText(flag: string, path: string, cwd: string): string {
  try {
    const fd = openSync(
      absoluteHostPath(path, cwd),
      constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY,
    )
    try {
      return readBounded(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    const expected = isErrno(
      error,
      'ENOENT',
      'EACCES',
      'EISDIR',
      'ENOTDIR',
      'ELOOP',
      'ENXIO',
      'ENAMETOOLONG',
      'EPERM',
    )
    if (!expected && !(error instanceof Unreadable)) throw error
    const found = isErrno(error, 'ENOENT', 'ENOTDIR') ? 'no such file' : messageOf(error)
    throw new BryoError('USAGE', `cannot read ${flag} "${path}": ${found}`, { cause: error })
  }
}

class Unreadable extends Error {}

function readBounded(fd: number): string {
  const chunks: Buffer[] = []
  let size = 0
  let mayLackWriter = fstatSync(fd).isFIFO() && filesystemTypeOfFd(fd) !== PIPEFS_MAGIC
  for (;;) {
    const chunk = readChunk(fd)
    if (chunk.length === 0 && mayLackWriter) {
      // To a reader that does not wait, a named pipe without a writer looks like one at its end.
      awaitData(fd, WRITER_MS)
      mayLackWriter = false
      continue
    }
    if (chunk.length === 0) return Buffer.concat(chunks).toString('utf8')
    mayLackWriter = false
    size += chunk.length
    if (size > MAX_BYTES) throw new Unreadable(`more than ${MAX_BYTES} bytes, expected a small text`)
    chunks.push(chunk)
  }
}

function readChunk(fd: number): Buffer {
  const buffer = Buffer.allocUnsafe(CHUNK)
  for (;;) {
    try {
      return buffer.subarray(0, readSync(fd, buffer))
    } catch (error) {
      if (!isErrno(error, 'EAGAIN')) throw error
      awaitData(fd, SILENCE_MS)
    }
  }
}

function awaitData(fd: number, timeoutMs: number): void {
  if (pollReadable(fd, timeoutMs)) return
  throw new Unreadable(`nothing came within ${timeoutMs / 1000} seconds`)
}
