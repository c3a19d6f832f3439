import { mkdirSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { BryoError, isErrno, messageOf, unlessErrno } from '../../base/errors.ts'
import {
  type AuthFileOptions,
  authFiles,
  type Credentials,
  readAuthFile,
} from '../../image/registry/credentials.ts'
import { writeFileAtomic } from '../../storage/atomic.ts'
import { acquireLock } from '../../storage/lock.ts'

/** The file that a login is written to: the first of those that are read. */
export function authFileToWrite(options: AuthFileOptions): string {
  const [first = ''] = authFiles(options)
  return first
}

/**
 * Keeps a login under a key, or takes it away where `credentials` is undefined; whatever else the file has stays. Nobody else may read the file.
 * @returns whether the key was there before
 */
export function editAuthFile(path: string, key: string, credentials: Credentials | undefined): boolean {
  try {
    return editFile(path, key, credentials)
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST')) throw error
    throw new BryoError('PERMISSION', `cannot write auth file "${path}": ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function editFile(path: string, key: string, credentials: Credentials | undefined): boolean {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // A link may lead to where the user keeps such files.
  const target = realPath(path)
  // Two logins at once must not lose one of them. The file itself is replaced, so the lock is another.
  const lock = acquireLock(`${target}.lock`, { mode: 'exclusive', wait: true })
  try {
    const file = readAuthFile(target, false)
    const { [key]: before, ...others } = file?.auths ?? {}
    const entry = credentials && { auth: encode(credentials) }
    const auths = entry ? { ...file?.auths, [key]: entry } : others
    if (before !== undefined || entry) {
      const text = `${JSON.stringify({ ...file?.document, auths }, undefined, '\t')}\n`
      writeFileAtomic(target, text, { durable: true, mode: 0o600 })
    }
    return before !== undefined
  } finally {
    lock.remove()
  }
}

function realPath(path: string): string {
  return unlessErrno(() => realpathSync(path), 'ENOENT') ?? path
}

function encode({ username, password }: Credentials): string {
  return Buffer.from(`${username}:${password}`).toString('base64')
}
