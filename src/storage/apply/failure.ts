import { BryoError, isErrno, messageOf } from '../../base/errors.ts'
import { quotePath } from './layerPath.ts'

/** The error to show for a failed entry. */
export function explainFailure(error: unknown, name: Uint8Array): BryoError {
  if (error instanceof BryoError) return error
  const subject = `cannot unpack ${quotePath(name)}`
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) {
    return new BryoError('NO_SPACE', `${subject}: no space left on the filesystem of the store`, {
      hint: 'free some space with "bryo system prune", or choose another place with --root',
      cause: error,
    })
  }
  if (isErrno(error, 'ENAMETOOLONG', 'ELOOP', 'ENOTDIR', 'EFBIG')) {
    return new BryoError(
      'INVALID_ARCHIVE',
      `${subject}: ${NAME_PROBLEM[errnoOf(error)] ?? messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
  return new BryoError('STORAGE', `${subject}: ${messageOf(error)}`, { cause: error })
}

const NAME_PROBLEM: Readonly<Record<string, string>> = {
  ENAMETOOLONG: 'the name is too long for the filesystem',
  ELOOP: 'its parent is a loop of links',
  ENOTDIR: 'its parent is a file, expected a directory',
  EFBIG: 'the file is larger than the filesystem can hold',
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
