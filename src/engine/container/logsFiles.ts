import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { isErrno } from '../../base/errors.ts'

/** One file of a log, open: its name may change while it is read. */
export interface LogSegment {
  readonly fd: number
  readonly ino: number
  /** Bytes that it had when it was opened. */
  readonly size: number
}

/**
 * Opens the files of a log, oldest first. They are opened from the newest on, so that a rotation meanwhile shows a file twice
 * rather than hiding one.
 * @param maxFiles how many the writer keeps
 */
export function openLogSegments(path: string, maxFiles: number): readonly LogSegment[] {
  const found: LogSegment[] = []
  for (let age = 0; age < maxFiles; age++) {
    const segment = openSegment(age === 0 ? path : `${path}.${age}`)
    if (!segment) continue
    if (found.some(({ ino }) => ino === segment.ino)) closeSync(segment.fd)
    else found.unshift(segment)
  }
  return found
}

/** The files that are newer than `last`; all of them where `last` has been removed since. */
export function openNewerSegments(path: string, maxFiles: number, last: LogSegment): readonly LogSegment[] {
  const all = openLogSegments(path, maxFiles)
  const known = all.findIndex(({ ino }) => ino === last.ino)
  for (const { fd } of all.slice(0, known + 1)) closeSync(fd)
  return all.slice(known + 1)
}

/** Whether the log's name means this file still, or none while it is being rotated. */
export function isCurrent(path: string, { ino }: LogSegment): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined || found.ino === ino
}

function openSegment(path: string): LogSegment | undefined {
  try {
    const fd = openSync(path, 'r')
    const { ino, size } = fstatSync(fd)
    return { fd, ino, size }
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
