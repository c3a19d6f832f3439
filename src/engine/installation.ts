import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const VERSION = '0.1.0'

/** Where the code lies below the installation: the bundles, or the sources. */
const PLACES = /\/(?:dist|dist\/node|src\/engine)$/

/** Absolute path of a file that ships with bryo. */
export function installedFile(...names: readonly string[]): string {
  const here = dirname(fileURLToPath(import.meta.url))
  return join(here.replace(PLACES, ''), ...names)
}
