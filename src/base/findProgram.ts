import { statSync } from 'node:fs'
import type { HostPath } from './brand.ts'
import { isErrno } from './errors.ts'

/**
 * The absolute path of a program of the system: /usr/bin first, then the absolute directories of `searchPath`
 * ($PATH; a relative one could be anybody's).
 */
export function findProgram(name: string, searchPath = ''): HostPath | undefined {
  const directories = ['/usr/bin', ...searchPath.split(':').filter((directory) => directory.startsWith('/'))]
  return directories.map((directory) => `${directory}/${name}` as HostPath).find(isExecutableFile)
}

/** False too for what this user may not look at. */
export function isExecutableFile(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    return found?.isFile() === true && (found.mode & 0o111) !== 0
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG')) throw error
    return false
  }
}
