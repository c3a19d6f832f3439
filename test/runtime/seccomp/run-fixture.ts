import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x64'
const BUN = fileURLToPath(new URL(`../../../node_modules/@oven/bun-linux-${ARCH}/bin/bun`, import.meta.url))

export interface FixtureResult {
  readonly status: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a file of test/runtime/seccomp/fixture under Bun, as an unprivileged user.
 * @param prefix a program, with arguments, that runs the rest of its arguments
 */
export function runFixture(name: string, request: unknown, prefix: readonly string[] = []): FixtureResult {
  const file = fileURLToPath(new URL(`./fixture/${name}`, import.meta.url))
  const program = [
    ...asUnprivileged(),
    ...prefix,
    BUN,
    '--config=/dev/null',
    '--no-env-file',
    file,
    JSON.stringify(request),
  ]
  const [command = '', ...args] = program
  const env = {
    PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
    LANG: 'C.UTF-8',
    BUN_JSC_useConcurrentGC: '0',
    BUN_JSC_numberOfGCMarkers: '1',
    BUN_JSC_useConcurrentJIT: '0',
  }
  const { status, signal, stdout, stderr } = spawnSync(command, args, { env, encoding: 'utf8', cwd: '/' })
  return { status, signal, stdout, stderr: stderr.slice(-2000) }
}

/** As {@link runFixture}: the one JSON value that it prints. */
export function runFixtureJson(name: string, request: unknown, prefix?: readonly string[]): unknown {
  const { status, signal, stdout, stderr } = runFixture(name, request, prefix)
  if (status !== 0) throw new Error(`fixture ${name} ended with ${status ?? signal}: ${stderr}`)
  return JSON.parse(stdout)
}

function asUnprivileged(): readonly string[] {
  if (process.getuid?.() !== 0) return []
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith('bryotest:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (uid === undefined) throw new Error('there is no user bryotest: run scripts/setup --dev')
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
}
