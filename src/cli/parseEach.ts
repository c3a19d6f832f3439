import { readFileSync } from 'node:fs'
import { BryoError, isErrno, messageOf } from '../base/errors.ts'
import { absoluteHostPath } from './parse/path.ts'

/** Gives a parser's complaint the form that all flags have. */
export function parseEach<T>(flag: string, text: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof BryoError) throw error
    throw new BryoError('USAGE', `invalid argument "${text}" for "${flag}" flag: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** The text of a file that an option names. @throws BryoError USAGE */
export function readText(flag: string, path: string, cwd: string): string {
  try {
    return readFileSync(absoluteHostPath(path, cwd), 'utf8')
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR')) throw error
    const found = isErrno(error, 'ENOENT', 'ENOTDIR') ? 'no such file' : messageOf(error)
    throw new BryoError('USAGE', `cannot read ${flag} "${path}": ${found}`, { cause: error })
  }
}
