import { dirname, join } from 'node:path'

export { VERSION } from '../base/version.ts'

/** Where the code lies below the installation: the bundles, or the sources. */
const PLACES = /\/(?:dist|dist\/node|src\/engine)$/

/** Absolute path of a file that ships with bryo. */
export function installedFile(...names: readonly string[]): string {
  return join(dirname(import.meta.filename).replace(PLACES, ''), ...names)
}

/** Where this program lies: the bundle for Bun, that for Node, or the sources. */
const OWN_DIRECTORY = dirname(import.meta.filename)

/** How another program of bryo's own is executed on the runtime that this one runs on. @param name `monitor` */
export function ownProgram(name: string): { readonly path: string; readonly args: readonly string[] } {
  const sources = OWN_DIRECTORY.endsWith('/src/engine')
  const file = join(OWN_DIRECTORY, sources ? `${name}.ts` : `${name}.js`)
  const args = process.versions.bun === undefined ? ['--single-threaded'] : BUN_ARGUMENTS
  return { path: process.execPath, args: [...args, file] }
}

/** As the launcher has them. */
const BUN_ARGUMENTS = ['--config=/dev/null', '--no-env-file', '--no-install', '--tsconfig-override=/dev/null']
