import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import { isErrno, messageOf } from '../../base/errors.ts'
import type { LogTrouble } from './sink.ts'

/**
 * A log of whole records, written through one buffer of a fixed size. A record is made in place: it begins at {@link length},
 * which is set behind it then. Where it would end behind {@link limit}, {@link makeRoom} comes first.
 */
export interface LogFile {
  readonly buffer: Buffer
  /** Bytes of finished records in the buffer. */
  length: number
  /** How far the buffer may be filled. */
  readonly limit: number
  /** Empties the buffer, and begins a new file where this one is full, for a record of so many bytes. */
  makeRoom(bytes: number): void
  /** Gives the records to the kernel; those that do not fit on the disk are dropped, as a whole. */
  flush(): void
  close(): void
}

export interface LogFileOptions {
  readonly path: string
  readonly maxSize?: number | undefined
  readonly maxFiles: number
  /** Largest record, in bytes. */
  readonly recordBytes: number
  readonly trouble: LogTrouble
}

const SMALLEST_BUFFER = 32 * 1024

/** Opens the log for more records. @throws an Error with errno where it cannot be written at all */
export function openLogFile(options: LogFileOptions): LogFile {
  const { path, maxSize = Number.POSITIVE_INFINITY, recordBytes } = options
  const buffer = Buffer.alloc(Math.max(SMALLEST_BUFFER, recordBytes))
  const fd = openAppending(path)
  const found = fstatSync(fd)
  const size = found.isFile() ? found.size : 0
  const state: State = {
    ...options,
    // What is no file has no size to keep it to.
    maxSize: found.isFile() ? maxSize : Number.POSITIVE_INFINITY,
    fd,
    size,
    failed: false,
    buffer,
    length: 0,
    limit: 0,
    makeRoom: (bytes) => makeRoom(state, bytes),
    flush: () => flush(state),
    close: () => {
      flush(state)
      closeSync(state.fd)
    },
  }
  setLimit(state)
  if (size > 0) endTornRecord(state)
  return state
}

interface State extends LogFileOptions, LogFile {
  readonly maxSize: number
  fd: number
  /** Bytes in the file. */
  size: number
  failed: boolean
  limit: number
}

function setLimit(state: State): void {
  state.limit = Math.min(state.buffer.length, state.maxSize - state.size)
}

function makeRoom(state: State, bytes: number): void {
  flush(state)
  if (state.size + bytes > state.maxSize && state.size > 0) rotate(state, state.maxSize - bytes)
  setLimit(state)
}

const MODE = 0o600

function openAppending(path: string): number {
  return openSync(path, 'a+', MODE)
}

const NEWLINE = 10

/** A record that was cut off, by a power failure perhaps, must not swallow the next one. */
function endTornRecord(state: State): void {
  const last = Buffer.alloc(1)
  readSync(state.fd, last, 0, 1, state.size - 1)
  if (last[0] !== NEWLINE) {
    state.buffer[0] = NEWLINE
    state.length = 1
    flush(state)
  }
}

function flush(state: State): void {
  let written = 0
  try {
    while (written < state.length) {
      written += writeSync(state.fd, state.buffer, written, state.length - written)
    }
    state.size += written
  } catch (error) {
    report(state, error)
    takeBack(state, written)
  }
  state.length = 0
  setLimit(state)
}

function report(state: State, error: unknown): void {
  if (state.failed) return
  state.failed = true
  state.trouble(`cannot write the log "${state.path}": ${messageOf(error)}; output is lost until it can`)
}

/** The file may have been emptied by somebody else meanwhile, so its size is asked for. */
function takeBack(state: State, bytes: number): void {
  if (bytes === 0) return
  try {
    const { size } = fstatSync(state.fd)
    ftruncateSync(state.fd, Math.max(0, size - bytes))
  } catch (error) {
    report(state, error)
  }
}

/**
 * PATH becomes PATH.1, that PATH.2, and so on. The new file exists before the first of the renames, so that a full disk or a
 * directory that may not be written leaves all as it was: the log then grows beyond its limit.
 * @param room bytes that the file may have already without need for a new one
 */
function rotate(state: State, room: number): void {
  try {
    state.size = fstatSync(state.fd).size
    if (state.size <= room) return
    if (state.maxFiles <= 1) ftruncateSync(state.fd, 0)
    else replaceFile(state)
    state.size = 0
  } catch (error) {
    report(state, error)
  }
}

function replaceFile(state: State): void {
  const { path, maxFiles } = state
  const fresh = `${path}.new`
  const fd = openSync(fresh, 'w+', MODE)
  try {
    for (let age = maxFiles - 1; age > 1; age--) renameIfThere(`${path}.${age - 1}`, `${path}.${age}`)
    renameIfThere(path, `${path}.1`)
    renameSync(fresh, path)
    const appending = openAppending(path)
    closeSync(state.fd)
    state.fd = appending
  } finally {
    closeSync(fd)
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}
