import { installationRoot, programForm } from '../base/installation.ts'

/** Absolute path of a file that ships with bryo. */
export function installedFile(...names: readonly string[]): string {
  return [installationRoot(), ...names].join('/')
}

export interface OwnProgram {
  readonly path: string
  readonly args: readonly string[]
  /** What its environment needs beside that of this program. */
  readonly env: Readonly<Record<string, string>>
}

/** How another program of bryo's own is executed on the runtime that this one runs on. @param name `monitor` */
export function ownProgram(name: string): OwnProgram {
  const path = process.execPath
  const onNode = process.versions.bun === undefined
  const file =
    programForm() === 'sources'
      ? installedFile('src', 'engine', `${name}.ts`)
      : installedFile(onNode ? 'dist/node' : 'dist', `${name}.js`)
  if (onNode) return { path, args: ['--single-threaded', file], env: {} }
  // The executable is Bun as well, and runs other programs where it is told to.
  return {
    path,
    args: [...BUN_ARGUMENTS, file],
    env: programForm() === 'executable' ? { BUN_BE_BUN: '1' } : {},
  }
}

/** As the launcher has them. */
const BUN_ARGUMENTS = ['--config=/dev/null', '--no-env-file', '--no-install', '--tsconfig-override=/dev/null']
