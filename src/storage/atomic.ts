import { closeSync, constants, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno } from '../base/errors.ts'
import { withSpaceErrors } from './space.ts'

export interface AtomicWriteOptions {
  /** Wait until the disk has it: costs milliseconds, so not for what ends with the process anyway. */
  readonly durable: boolean
  /** Octal; 0600 by default. */
  readonly mode?: number
  /** Where the file grows, on the same filesystem; beside the target by default. Must not exist. */
  readonly temporary?: string
}

/**
 * Replaces a file as a whole: readers see the old content or the new one, also after a crash.
 * @throws BryoError NO_SPACE; then the old file is as it was
 */
export function writeFileAtomic(path: string, data: string | Uint8Array, options: AtomicWriteOptions): void {
  withSpaceErrors(path, () => {
    const [fd, temporary] = openTemporary(path, options)
    try {
      // What others are to read does not depend on the caller's umask.
      if (options.mode !== undefined) fchmodSync(fd, options.mode)
      writeFully(fd, data, options.durable)
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
    if (options.durable) syncDirectory(dirname(path))
  })
}

export function writeJsonAtomic(path: string, value: unknown, options: AtomicWriteOptions): void {
  writeFileAtomic(path, `${JSON.stringify(value)}\n`, options)
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

function openTemporary(
  path: string,
  { temporary, mode = 0o600 }: AtomicWriteOptions,
): readonly [number, string] {
  if (temporary !== undefined) return [openSync(temporary, CREATE, mode), temporary]
  // A forked child may see its parent's pid here: the number after it, tried until it is free, tells them apart.
  for (let attempt = 0; ; attempt += 1) {
    const name = `${path}.${process.pid}.${attempt}~`
    try {
      return [openSync(name, CREATE, mode), name]
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
    }
  }
}

function writeFully(fd: number, data: string | Uint8Array, durable: boolean): void {
  try {
    writeAll(fd, typeof data === 'string' ? Buffer.from(data) : data)
    if (durable) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Writes until all of it is written. @param position where in the file; its current position by default */
export function writeAll(fd: number, data: Uint8Array, position?: number): void {
  for (let done = 0; done < data.byteLength; ) {
    const at = position === undefined ? null : position + done
    done += writeSync(fd, data, done, data.byteLength - done, at)
  }
}

/** Makes a rename in `directory` last. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
