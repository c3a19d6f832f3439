import { writeFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { absoluteHostPath } from './parse/path.ts'

/** Writes what `--digestfile` asks for, after the push. @throws BryoError USAGE */
export function writeDigestFile(path: string, cwd: string, digest: string): void {
  try {
    writeFileSync(absoluteHostPath(path, cwd), digest)
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'ENOSPC', 'EROFS')) throw cause
    throw new BryoError('USAGE', `cannot write digest to "${path}": ${messageOf(cause)}`, {
      hint: `the image was pushed as ${digest}`,
      cause,
    })
  }
}
