import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { BryoError, isErrno } from '../base/errors.ts'

/**
 * Runs `act`; a full disk or quota becomes BryoError NO_SPACE that names `path` and what is free there.
 * Everything else passes as it is.
 */
export function withSpaceErrors<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw explainSpace(error, path)
  }
}

/** The error to throw instead of `error`. */
export function explainSpace(error: unknown, path: string): unknown {
  if (!isErrno(error, 'ENOSPC', 'EDQUOT')) return error
  const found = isErrno(error, 'EDQUOT')
    ? 'the disk quota is used up'
    : `the filesystem is full (${freeBytes(path)} bytes free)`
  return new BryoError('NO_SPACE', `cannot write "${path}": ${found}, expected room for more`, {
    hint: 'free some space with "bryo system prune", or choose another place with --root',
    cause: error,
  })
}

/** Bytes that an unprivileged user may still write where `path` is or will be. */
export function freeBytes(path: string): number {
  let existing = path
  while (!existsSync(existing) && existing !== dirname(existing)) existing = dirname(existing)
  const { bavail, bsize } = statfsSync(existing)
  return bavail * bsize
}

const MIB = 1024 * 1024
/** At least a fiftieth of a filesystem stays free, but no more than this. */
const RESERVE_SHARE = 50
const MAX_RESERVE = { bytes: 256 * MIB, files: 100_000 }

/**
 * Watches something of unknown size on its way into the filesystem of `path`, which it must not fill: others write there too. Small
 * things pass wherever they fit.
 * @returns to be called with the bytes so far. @throws BryoError NO_SPACE where hardly anything is free any more
 */
export function watchSpace(path: string): (bytes: number) => void {
  let interval: number | undefined
  let next = 0
  return (bytes) => {
    interval ??= readReserve(path).bytes / 4
    next ||= interval
    if (bytes < next) return
    next = bytes + interval
    expectReserve(path)
  }
}

function readReserve(path: string) {
  const { bsize, blocks, files } = statfsSync(path)
  const share = (total: number, max: number) => Math.min(total / RESERVE_SHARE, max)
  return { bytes: share(blocks * bsize, MAX_RESERVE.bytes), files: share(files, MAX_RESERVE.files) }
}

function expectReserve(path: string): void {
  const reserve = readReserve(path)
  const { bavail, bsize, files, ffree } = statfsSync(path)
  // Filesystems that make inodes as they need them say that there are none.
  const fewFiles = files > 0 && ffree < reserve.files
  if (bavail * bsize >= reserve.bytes && !fewFiles) return
  const found = fewFiles ? `${ffree} inodes` : `${bavail * bsize} bytes`
  throw new BryoError('NO_SPACE', `cannot write "${path}": ${found} are free, expected room for more`, {
    hint: 'free some space with "bryo system prune", or choose another place with --root',
  })
}
