import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import { makeBusyboxRoot, packRoot } from './busybox.ts'
import { type CommandOptions, type Ended, runCommand, type Started, startCommand } from './command.ts'
import { type FoundProcess, mountsOf, processesOf, storeListing } from './leftovers.ts'
import { PATIENCE } from './patience.ts'
import { RUNS_AS_ROOT, TEST_USER } from './user.ts'

/** The launcher under test: of this checkout, or of the installed copy that scripts/test makes. */
export const BRYO =
  process.env.BRYO_TEST_PROGRAM ?? fileURLToPath(new URL('../../../bin/bryo', import.meta.url))

/** Name of the image that {@link openWorld} imports. */
export const IMAGE = 'localhost/busybox:latest'

/** A home of its own, with a store, for the tests of one file. */
export interface World {
  /** Owned by the test user, removed in the end. */
  readonly directory: string
  readonly home: string
  readonly runtimeDirectory: string
  /** The current directory of every command. */
  readonly work: string
  readonly dataRoot: string
  readonly runRoot: string
  /** An unpacked busybox root, owned by the test user. */
  readonly rootfs: string
  /** The same as a tar archive, owned by root in it. */
  readonly archive: string
  readonly env: Readonly<Record<string, string>>
  readonly bryo: (args: readonly string[], options?: CommandOptions) => Promise<Ended>
  readonly start: (args: readonly string[], options?: CommandOptions) => Started
  /** Runs any program as the test user. */
  readonly command: (argv: readonly string[], options?: CommandOptions) => Promise<Ended>
  readonly startCommand: (argv: readonly string[], options?: CommandOptions) => Started
  /** `bryo run --rm ... IMAGE command`, which must succeed; gives its output without the last line end. */
  readonly inside: (flags: readonly string[], command: readonly string[] | string) => Promise<string>
  /** What the store holds, to be compared. */
  readonly listing: () => readonly string[]
  /** Fails where a process, a mount or anything in the store is there that was not before. */
  readonly expectUnchanged: (before: readonly string[]) => Promise<void>
  /** A new directory of the test user below {@link work}. */
  readonly makeDirectory: (name: string) => string
}

export interface WorldOptions {
  /** Import the busybox image; true by default. */
  readonly image?: boolean
  /** Flags before every command. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Every test of the file is skipped: nothing is made, because no hook runs that would take it down. */
  readonly unused?: boolean
}

export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Makes a world and has it taken down, and checked for leftovers, after the tests of the calling file. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const directory = options.unused ? '/nonexistent' : makeWorldDirectory()
  const world = describeWorld(directory, options)
  if (options.unused) return world
  afterAll(() => closeWorld(world), 60_000 * PATIENCE)
  if (options.image ?? true) {
    const imported = await world.bryo(['import', world.archive, IMAGE])
    if (imported.code !== 0) throw new Error(`bryo import: ${imported.stderr}`)
  }
  return world
}

function makeWorldDirectory(): string {
  const directory = mkdtempSync(join(process.env.BRYO_TEST_TMP ?? tmpdir(), 'bryo-e2e-'))
  const at = (name: string) => join(directory, name)
  for (const name of ['home', 'run', 'work', 'tmp', 'rootfs']) mkdirSync(at(name), { mode: 0o700 })
  chmodSync(at('work'), 0o755)
  chmodSync(at('rootfs'), 0o755)
  makeBusyboxRoot(at('rootfs'))
  packRoot(at('rootfs'), at('busybox.tar'))
  give(directory)
  return directory
}

function describeWorld(directory: string, { flags = [], env: extra = {} }: WorldOptions): World {
  const at = (name: string) => join(directory, name)
  const env = {
    HOME: at('home'),
    USER: TEST_USER.name,
    LOGNAME: TEST_USER.name,
    PATH,
    LANG: 'C.UTF-8',
    TMPDIR: at('tmp'),
    XDG_RUNTIME_DIR: at('run'),
    ...extra,
  }
  const complete = (given: CommandOptions = {}) => ({
    ...given,
    cwd: given.cwd ?? at('work'),
    env: { ...env, ...given.env },
  })
  const bryo: World['bryo'] = (args, given) => runCommand([BRYO, ...flags, ...args], complete(given))
  const [dataRoot, runRoot] = [at('home/.local/share/bryo'), at('run/bryo')]
  const listing = () => storeListing(dataRoot, runRoot)
  return {
    directory,
    home: at('home'),
    runtimeDirectory: at('run'),
    work: at('work'),
    dataRoot,
    runRoot,
    rootfs: at('rootfs'),
    archive: at('busybox.tar'),
    env,
    bryo,
    start: (args, given) => startCommand([BRYO, ...flags, ...args], complete(given)),
    command: (argv, given) => runCommand(argv, complete(given)),
    startCommand: (argv, given) => startCommand(argv, complete(given)),
    inside: async (runFlags, command) => {
      const argv = typeof command === 'string' ? ['sh', '-c', command] : command
      const ended = await bryo(['run', '--rm', ...runFlags, IMAGE, ...argv])
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      return ended.stdout.replace(/\n$/, '')
    },
    listing,
    expectUnchanged: async (before) => {
      // A process that executes another program cannot be recognised for a moment, and may still remove something.
      await expect.poll(listing, { timeout: 5000, interval: 20 }).toEqual(before)
      expect(await remainingProcesses(directory)).toEqual([])
      expect(mountsOf(directory)).toEqual([])
      expect(listing()).toEqual(before)
    },
    makeDirectory: (name) => {
      const path = join(at('work'), name)
      mkdirSync(path, { recursive: true })
      give(path)
      return path
    },
  }
}

/** Makes a tree the test user's. */
export function give(path: string): void {
  if (!RUNS_AS_ROOT) return
  lchownSync(path, TEST_USER.uid, TEST_USER.gid)
  for (const entry of readdirOf(path)) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) give(child)
    else if (entry.isSymbolicLink()) lchownSync(child, TEST_USER.uid, TEST_USER.gid)
    else chownSync(child, TEST_USER.uid, TEST_USER.gid)
  }
}

function readdirOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch {
    // A file.
    return []
  }
}

/** What still runs of a directory; helpers that are just ending get a few seconds. */
async function remainingProcesses(directory: string): Promise<readonly FoundProcess[]> {
  const deadline = Date.now() + 5000 * PATIENCE
  for (;;) {
    const found = processesOf(directory)
    if (found.length === 0 || Date.now() > deadline) return found
    await setTimeout(20)
  }
}

/** Everything of the store can be removed by bryo itself, and nothing outlives it. */
async function closeWorld(world: World): Promise<void> {
  for (const args of [
    ['rm', '--all', '--force'],
    ['rmi', '--all', '--force'],
  ]) {
    const ended = await world.bryo(args)
    expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
  }
  expect(await remainingProcesses(world.directory)).toEqual([])
  expect(mountsOf(world.directory)).toEqual([])
  const left = world
    .listing()
    .filter((path) =>
      /^data\/(?:containers|layers|images|pending|tmp|partial|names)\/|^data\/blobs\/sha256\//.test(path),
    )
  expect(left).toEqual([])
  // Volumes and upper directories may hold files of subordinate ids, which root or a user namespace can remove.
  if (RUNS_AS_ROOT) rmSync(world.directory, { recursive: true, force: true })
  else await removeAsMappedRoot(world.directory)
}

async function removeAsMappedRoot(directory: string): Promise<void> {
  const env = { PATH }
  const ended = await runCommand(['unshare', '--map-root-user', '--map-auto', 'rm', '-rf', directory], {
    env,
    cwd: '/',
  })
  expect(ended, ended.stderr).toMatchObject({ code: 0 })
}
