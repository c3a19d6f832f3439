import { statSync } from 'node:fs'
import type { HostPath } from './brand.ts'
import { unlessErrno } from './errors.ts'

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
  const errors = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG']
  const found = unlessErrno(() => statSync(path, { throwIfNoEntry: false }), ...errors)
  return found?.isFile() === true && (found.mode & 0o111) !== 0
}
