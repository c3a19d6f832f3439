import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TEST_USER = 'bryotest'
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** An ordinary user with a home of its own for this run, and the program under test. */
export interface Host extends Disposable {
  readonly base: string
  readonly home: string
  readonly bryo: string
  readonly bun: string
  readonly uid: number
  /** Runs to the end as the user. */
  readonly run: (argv: readonly string[], env?: Readonly<Record<string, string>>) => SpawnSyncReturns<string>
  /** As {@link run}, which must succeed. */
  readonly mustRun: (argv: readonly string[]) => string
  /** Path of a program of this host; undefined where it is not installed. */
  readonly find: (program: string) => string | undefined
  readonly makeDirectory: (name: string) => string
}

/** @throws Error where root runs it and there is no test user */
export function openHost(): Host {
  const isRoot = userInfo().uid === 0
  const { uid, gid } = isRoot ? idsOf(TEST_USER) : userInfo()
  const base = mkdtempSync('/var/tmp/bryo-bench.')
  chmodSync(base, 0o755)
  const makeDirectory = (name: string) => {
    const path = join(base, name)
    mkdirSync(path, { mode: 0o700 })
    if (isRoot) chownSync(path, uid, gid)
    return path
  }
  const home = makeDirectory('home')
  const env = { HOME: home, PATH, LANG: 'C.UTF-8', XDG_RUNTIME_DIR: makeDirectory('run'), USER: TEST_USER }
  const run: Host['run'] = ([program = '', ...args], extra = {}) =>
    spawnSync(program, args, {
      cwd: home,
      env: { ...env, ...extra },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      ...(isRoot && { uid, gid }),
    })
  const mustRun: Host['mustRun'] = (argv) => {
    const ended = run(argv)
    if (ended.status !== 0) throw new Error(`${argv.join(' ')}: ${ended.status}\n${ended.stderr}`)
    return ended.stdout
  }
  const root = install(join(base, 'installed'))
  const bunName = process.arch === 'arm64' ? 'bun-linux-aarch64' : 'bun-linux-x64'
  return {
    base,
    home,
    bryo: join(root, 'bin/bryo'),
    bun: join(root, `lib/bryo/node_modules/@oven/${bunName}/bin/bun`),
    uid,
    run,
    mustRun,
    find: (program) =>
      spawnSync('sh', ['-c', `command -v ${program}`], { env, encoding: 'utf8' }).stdout.trim() || undefined,
    makeDirectory,
    [Symbol.dispose]: () => removeBase(base, run),
  }
}

function idsOf(user: string): { readonly uid: number; readonly gid: number } {
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout || Number.NaN),
  )
  if (uid === undefined || gid === undefined || Number.isNaN(uid + gid)) {
    throw new Error(`there is no user ${user} to measure as: run scripts/setup --dev`)
  }
  return { uid, gid }
}

/** A copy that the user can read, wherever the checkout lies. */
function install(prefix: string): string {
  const script = fileURLToPath(new URL('../scripts/install', import.meta.url))
  const { status, stderr } = spawnSync('sh', [script, prefix], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`scripts/install: ${stderr}`)
  return prefix
}

/** Files of subordinate ids go in a user namespace, where the caller is not root. */
function removeBase(base: string, run: Host['run']): void {
  run([
    'unshare',
    '--map-root-user',
    '--map-auto',
    'sh',
    '-c',
    `rm -rf ${base}/home/* ${base}/home/.[!.]* ${base}/podman/*`,
  ])
  rmSync(base, { recursive: true, force: true })
}
