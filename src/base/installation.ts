/** Bun shows the files that an executable was made of below this directory. */
const EXECUTABLE = /^\/\$bunfs\//
/** Where code lies below the installation: the executable and the bundles, or the sources. */
const PLACES = /\/(?:dist|dist\/node|src\/base)$/

/** How this program lies on the disk. */
export type ProgramForm = 'executable' | 'bundle' | 'sources'

export function programForm(): ProgramForm {
  const file = import.meta.filename
  if (EXECUTABLE.test(file)) return 'executable'
  return file.endsWith('.ts') ? 'sources' : 'bundle'
}

/** Absolute path of the directory that bryo is installed in. */
export function installationRoot(): string {
  const file = programForm() === 'executable' ? process.execPath : import.meta.filename
  return file.slice(0, file.lastIndexOf('/')).replace(PLACES, '')
}
