import { spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { testUser } from '../../userns/run-fixture.ts'

const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x64'
const BUN = fileURLToPath(new URL(`../../../node_modules/@oven/bun-linux-${ARCH}/bin/bun`, import.meta.url))
const ENV = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  BUN_JSC_useConcurrentGC: '0',
  BUN_JSC_numberOfGCMarkers: '1',
  BUN_JSC_useConcurrentJIT: '0',
}

function commandLine(fixture: string, args: readonly string[]): readonly [string, readonly string[]] {
  const file = fileURLToPath(new URL(`../fixture/${fixture}`, import.meta.url))
  const program = [BUN, '--config=/dev/null', '--no-env-file', file, ...args]
  if (process.getuid?.() !== 0) return [BUN, program.slice(1)]
  const { uid, gid } = testUser()
  return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...program]]
}

/** Runs a file of test/storage/fixture as the test user under Bun, and gives the JSON values that it prints, one a line. */
export function runFixture(fixture: string, ...args: readonly string[]): readonly unknown[] {
  const [command, rest] = commandLine(fixture, args)
  const { stdout, stderr, status } = spawnSync(command, rest, { env: ENV, encoding: 'utf8', cwd: '/' })
  if (status !== 0)
    throw new Error(`${fixture} ended with ${status}: ${stderr.slice(-2000)}${stdout.slice(-500)}`)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}

export interface RunningFixture {
  /** The next value that it prints; undefined at the end. */
  next(): Promise<unknown>
  closeInput(): void
}

/** As {@link runFixture}, while the test goes on. */
export function startFixture(fixture: string, ...args: readonly string[]): RunningFixture {
  const [command, rest] = commandLine(fixture, args)
  const child = spawn(command, rest, { env: ENV, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    return done === true ? undefined : JSON.parse(value)
  }
  return { next, closeInput: () => child.stdin.end() }
}

/** A new directory of the test user's. */
export function userDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bryo-store-'))
  const { uid, gid } = testUser()
  if (process.getuid?.() === 0) chownSync(directory, uid, gid)
  return directory
}
