import { strict as assert } from 'node:assert'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Who runs the tests, named for how it came: a lingering user's service, a login session, su without a session, a service of the system's. */
export type VmUser = 'linger' | 'guest' | 'plain' | 'service'

/** Those who have a systemd of their own. */
export const HAS_SESSION: readonly VmUser[] = ['linger', 'guest']

export interface VmTest {
  readonly name: string
  /** All where absent. */
  readonly users?: readonly VmUser[]
  readonly run: (host: VmHost) => void
}

export class Skipped extends Error {}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface VmHost {
  readonly user: string
  readonly image: string
  readonly bryo: (...args: readonly string[]) => Ended
  /** Must succeed; gives its trimmed output. */
  readonly ok: (...args: readonly string[]) => string
  readonly command: (...argv: readonly string[]) => Ended
  /** A field of the container, by a Go template. */
  readonly inspect: (name: string, template: string) => string
  /** Removes every container. */
  readonly cleanUp: () => void
}

const TIMEOUT_MS = 90_000

function run(argv: readonly string[]): Ended {
  const [program = '', ...args] = argv
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (error) throw new Error(`${argv.join(' ')}: ${error.message}\n${stderr}`)
  return { code: status, stdout, stderr }
}

/** Imports the image of the tests: a static busybox. */
export function openHost(user: string): VmHost {
  const image = 'localhost/busybox:latest'
  const bryo = (...args: readonly string[]) => run(['bryo', ...args])
  const ok = (...args: readonly string[]) => {
    const ended = bryo(...args)
    assert.equal(ended.code, 0, `bryo ${args.join(' ')}: exit ${ended.code}\n${ended.stderr}${ended.stdout}`)
    return ended.stdout.trim()
  }
  const archive = packBusybox()
  ok('import', archive, image)
  return {
    user,
    image,
    bryo,
    ok,
    command: (...argv) => run(argv),
    inspect: (name, template) => ok('inspect', '--format', template, name),
    cleanUp: () => bryo('rm', '--all', '--force', '--time', '0'),
  }
}

function packBusybox(): string {
  const directory = mkdtempSync(join(homedir(), 'image-'))
  const root = join(directory, 'root')
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'])
    mkdirSync(join(root, name), { recursive: true })
  run(['cp', '/bin/busybox', join(root, 'bin')])
  for (const applet of run(['/bin/busybox', '--list']).stdout.trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  }
  const archive = join(directory, 'root.tar')
  const packed = run(['tar', '-C', root, '--owner=0', '--group=0', '-cf', archive, '.'])
  assert.equal(packed.code, 0, packed.stderr)
  return archive
}

/** The directory of a container's control group. */
export function cgroupOf(host: VmHost, name: string): string {
  const pid = host.inspect(name, '{{.State.Pid}}')
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? ''
  return `/sys/fs/cgroup${path}`
}

/** Waits for a fact. */
export function eventually(what: string, isSo: () => boolean, seconds = 30): void {
  const deadline = Date.now() + seconds * 1000
  while (!isSo()) {
    if (Date.now() > deadline) assert.fail(`${what}: not within ${seconds} seconds`)
    sleep(0.1)
  }
}

export function sleep(seconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000)
}

export function read(path: string): string {
  return readFileSync(path, 'utf8').trim()
}
