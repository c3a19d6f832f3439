import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const VERSION = '0.1.0'

/** Absolute path of a file that ships with bryo: the bundle lies in `dist/`, the sources in `src/engine/`. */
export function installedFile(...names: readonly string[]): string {
  const here = dirname(fileURLToPath(import.meta.url))
  const root = here.endsWith('/dist') ? dirname(here) : join(here, '../..')
  return join(root, ...names)
}
