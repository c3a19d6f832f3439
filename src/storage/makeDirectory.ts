import { chmodSync, mkdirSync } from 'node:fs'
import { isErrno } from '../base/errors.ts'
import { explainSpace } from './space.ts'

/** Makes a directory with exactly this mode, whatever the umask: container users must get through some. */
export function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
    chmodSync(path, mode)
  } catch (error) {
    throw explainSpace(error, path)
  }
}

/** As {@link makeDirectory}; one that is there stays as it is. */
export function ensureDirectory(path: string, mode: number): void {
  try {
    makeDirectory(path, mode)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}
