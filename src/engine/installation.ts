import { dirname, join } from 'node:path'

export { VERSION } from '../base/version.ts'

/** Where the code lies below the installation: the bundles, or the sources. */
const PLACES = /\/(?:dist|dist\/node|src\/engine)$/

/** Absolute path of a file that ships with bryo. */
export function installedFile(...names: readonly string[]): string {
  return join(dirname(import.meta.filename).replace(PLACES, ''), ...names)
}
