import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
export const BUN = `${ROOT}node_modules/@oven/bun-linux-x64/bin/bun`

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line from its sources on the runtime that ships. */
export function bryo(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Outcome {
  const main = `${ROOT}src/cli/main.ts`
  const run = spawnSync(BUN, ['--config=/dev/null', '--no-env-file', '--no-install', main, ...args], {
    encoding: 'utf8',
    cwd: options.cwd ?? ROOT,
    env: { PATH: process.env.PATH ?? '', HOME: '/dev/null/home', ...options.env },
  })
  return { code: run.status, stdout: run.stdout, stderr: run.stderr }
}
