import { isAbsolute, normalize, resolve } from 'node:path'
import type { HostPath } from '../../base/brand.ts'

/** A path of the host as the user wrote it, made absolute. */
export function absoluteHostPath(path: string, cwd: string): HostPath {
  // resolve() gives an absolute path.
  return resolve(cwd, path) as HostPath
}

/** A path inside the container: absolute, without `.` and `..` and a slash at its end. */
export function containerPath(path: string): string {
  if (!isAbsolute(path)) throw new Error(`the container path "${path}" is not absolute`)
  if (path.includes('\0')) throw new Error('the container path contains NUL')
  const clean = normalize(path)
  return clean === '/' ? clean : clean.replace(/\/$/, '')
}
