import { openSync } from 'node:fs'
import { BryoError, isErrno } from '../base/errors.ts'
import { type OwnedFd, ownFd } from '../syscall/fd.ts'
import { O } from '../syscall/file.ts'

/** Opens an archive that is to be imported. @throws BryoError NOT_FOUND, PERMISSION */
export function openArchive(path: string): OwnedFd {
  try {
    return ownFd(openSync(path, O.rdonly | O.noctty | O.cloexec))
  } catch (cause) {
    if (isErrno(cause, 'ENOENT', 'ENOTDIR')) {
      throw new BryoError('NOT_FOUND', `cannot import "${path}": no such file`, { cause })
    }
    if (isErrno(cause, 'EACCES', 'EPERM')) {
      throw new BryoError('PERMISSION', `cannot import "${path}": permission denied`, { cause })
    }
    throw cause
  }
}
