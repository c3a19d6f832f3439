import { readFileSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'

/** The ids in files that `--cidfile` of run has written. @throws BryoError USAGE */
export function readCidfiles(paths: readonly string[]): readonly string[] {
  return paths.map((path) => {
    try {
      return readFileSync(path, 'utf8').trim()
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error
      throw new BryoError('USAGE', `cannot read the container id from "${path}"`, { cause: error })
    }
  })
}
