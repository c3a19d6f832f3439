import { mkdirSync, type Stats, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { BryoError, isErrno } from '../../base/errors.ts'
import type { HostFacts } from '../../base/hostFacts.ts'
import { isOwnedBy } from '../../base/runtimeDirectory.ts'

const NAME = 'bryo-oci'

/**
 * The directory that holds a directory for each container; made where it is missing, private to the caller.
 * @param option `--root`
 * @throws BryoError PERMISSION, STORAGE
 */
export function openStateRoot(facts: HostFacts, option: string | undefined): string {
  const path = option === undefined ? defaultRoot(facts) : resolve(facts.cwd, option)
  try {
    mkdirSync(path, { recursive: option !== undefined, mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw unusable(path, error)
  }
  const found = statSync(path)
  if (!found.isDirectory()) throw new BryoError('STORAGE', `cannot use "${path}": not a directory`)
  checkPrivate(path, found, facts.uid)
  return path
}

function defaultRoot({ uid, env }: HostFacts): string {
  const candidates = [env.XDG_RUNTIME_DIR, uid === 0 ? '/run' : `/run/user/${uid}`]
  const directory = candidates.find((path) => path !== undefined && isAbsolute(path) && isOwnedBy(path, uid))
  return directory === undefined ? `/tmp/${NAME}-${uid}` : join(directory, NAME)
}

/** Whoever could write there could have this program start something else. */
function checkPrivate(path: string, { uid, mode }: Stats, expected: number): void {
  if (uid === expected && (mode & 0o022) === 0) return
  const found =
    uid === expected
      ? `others may write to it (mode ${(mode & 0o777).toString(8)})`
      : `it belongs to uid ${uid}`
  throw new BryoError(
    'PERMISSION',
    `cannot use "${path}": ${found}, expected a directory of uid ${expected} alone`,
    {
      hint: 'name another directory with --root',
    },
  )
}

function unusable(path: string, error: unknown): unknown {
  if (!isErrno(error, 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EROFS')) return error
  return new BryoError(
    'PERMISSION',
    `cannot make "${path}": ${error instanceof Error ? error.message : ''}`,
    {
      hint: 'set XDG_RUNTIME_DIR to a directory of yours, or name another one with --root',
      cause: error,
    },
  )
}
