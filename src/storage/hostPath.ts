import { join } from 'node:path'
import type { HostPath } from '../base/brand.ts'

/** Joins an absolute directory and names that are known to be plain. */
export function hostPath(directory: string, ...names: readonly string[]): HostPath {
  return join(directory, ...names) as HostPath
}
