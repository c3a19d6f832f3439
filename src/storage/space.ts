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
