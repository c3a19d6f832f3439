import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { OutputClosed } from './output.ts'
import { absoluteHostPath } from './parse/path.ts'
import { isTerminalFd } from './terminal.ts'

const STDOUT = 1

/**
 * Has an archive written to the file that `--output` names, or to standard output where it names none, or `-`. A file that was
 * made for it goes again where that fails.
 * @throws BryoError USAGE, OutputClosed
 */
export async function writeArchive(
  output: string | undefined,
  cwd: string,
  write: (fd: number) => void,
): Promise<void> {
  if (output !== undefined && output !== '-') {
    writeToFile(absoluteHostPath(output, cwd), write)
    return
  }
  if (await isTerminalFd(STDOUT)) {
    throw new BryoError('USAGE', 'cannot write an archive to a terminal', {
      hint: 'redirect standard output, or name a file with --output',
    })
  }
  try {
    write(STDOUT)
  } catch (error) {
    if (isErrno(error, 'EPIPE')) throw new OutputClosed('nobody reads the output', { cause: error })
    throw error
  }
}

function writeToFile(path: string, write: (fd: number) => void): void {
  const isNew = !existsSync(path)
  const fd = explainPath(path, () => openSync(path, 'w', 0o666))
  try {
    write(fd)
  } catch (error) {
    if (isNew) rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
}

/** Writes a text to a file that an option names. @throws BryoError USAGE */
export function writeText(path: string, cwd: string, text: string): void {
  const absolute = absoluteHostPath(path, cwd)
  explainPath(absolute, () => writeFileSync(absolute, text))
}

function explainPath<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    if (!isErrno(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR', 'ENOSPC', 'EROFS', 'EPERM')) throw cause
    throw new BryoError('USAGE', `cannot write "${path}": ${messageOf(cause).replace(/,.*/s, '')}`, { cause })
  }
}
