import { readFileSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'

/**
 * The ids in files that `--cidfile` of run has written.
 * @param ignore a file that is not there is no error
 * @throws BryoError USAGE
 */
export function readCidfiles(
  paths: readonly string[],
  { ignore }: { readonly ignore: boolean } = { ignore: false },
): readonly string[] {
  return paths.flatMap((path) => {
    try {
      return [readFileSync(path, 'utf8').trim()]
    } catch (error) {
      if (ignore && isErrno(error, 'ENOENT')) return []
      if (!isErrno(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error
      throw new BryoError('USAGE', `cannot read the container id from "${path}"`, { cause: error })
    }
  })
}
