import { spawn } from 'node:child_process'
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { testUser } from '../userns/run-fixture.ts'

const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x64'
const BUN = fileURLToPath(new URL(`../../node_modules/@oven/bun-linux-${ARCH}/bin/bun`, import.meta.url))
const FIXTURE = fileURLToPath(new URL('./fixture/image.ts', import.meta.url))

/** A store of the test user, below a directory that both the test and that user may write. */
export interface TestStore extends Disposable {
  readonly directory: string
  /** Runs use cases one after the other in one process; the result of each, or its error. */
  readonly run: (calls: readonly Call[], options?: RunOptions) => Promise<readonly CallResult[]>
  /** Everything that the store holds of images, by directory. */
  readonly contents: () => Readonly<Record<string, readonly string[]>>
}

export type Call = readonly [name: string, argument?: unknown]

export interface CallResult {
  readonly value?: unknown
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
}

export interface RunOptions {
  readonly stdin?: Uint8Array
  readonly env?: Readonly<Record<string, string>>
}

export function createTestStore(): TestStore {
  const user = testUser()
  const directory = mkdtempSync(join(tmpdir(), 'bryo-images-'))
  chownSync(directory, user.uid, user.gid)
  const [data, run] = [join(directory, 'data'), join(directory, 'run')]
  const list = (name: string) => readdirSync(join(data, name)).sort()
  const names = ['blobs/sha256', 'images', 'layers', 'partial', 'pending', 'tmp']
  return {
    directory,
    run: (calls, options = {}) =>
      runCalls([data, run, ...calls.map((call) => JSON.stringify(call))], options),
    contents: () => Object.fromEntries(names.map((name) => [name, list(name)])),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

async function runCalls(args: readonly string[], options: RunOptions): Promise<readonly CallResult[]> {
  const user = testUser()
  const become =
    process.getuid?.() === 0
      ? ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
      : ['env']
  const [command = '', ...rest] = [...become, BUN, '--config=/dev/null', '--no-env-file', FIXTURE, ...args]
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: '/dev/null/home',
    USER: user.name,
    BUN_JSC_useConcurrentGC: '0',
    BUN_JSC_numberOfGCMarkers: '1',
    BUN_JSC_useConcurrentJIT: '0',
    BUN_JSC_useWarmUpMarkedBlocks: '0',
    ...options.env,
  }
  const child = spawn(command, rest, { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let [output, errors] = ['', '']
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.stdin ?? '')
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error(`the fixture ended with ${code}: ${errors.slice(-2000)}`)
  return output
    .trim()
    .split('\n')
    .map((line): CallResult => JSON.parse(line))
}
