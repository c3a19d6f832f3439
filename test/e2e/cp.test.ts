import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

/** The same rules hold whether a container runs or not. */
const SUBJECTS = ['stopped', 'running'] as const

beforeAll(async () => {
  const flags = ['--network', 'none', '-v', 'data:/data', '--tmpfs', '/scratch']
  const made = await bryo(['create', '--name', 'stopped', ...flags, IMAGE, 'true'])
  expect(made, made.stderr).toMatchObject({ code: 0 })
  const run = await bryo(['run', '-d', '--name', 'running', ...flags, IMAGE, 'sleep', '1000'])
  expect(run, run.stderr).toMatchObject({ code: 0 })
})
afterAll(() => bryo(['rm', '--all', '--force']))

const copy = async (...args: readonly string[]): Promise<void> => {
  const ended = await bryo(['cp', ...args])
  expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: '', stderr: '' })
}
const fails = async (message: string, ...args: readonly string[]): Promise<void> => {
  const ended = await bryo(['cp', ...args])
  expect(ended).toMatchObject({ code: 125, stdout: '' })
  expect(ended.stderr).toContain(`Error: ${message}`)
}
/** What `tar tv` says of a path inside, times left out. */
const listing = async (path: string): Promise<readonly string[]> => {
  const ended = await world.command([
    'sh',
    '-c',
    `"$1" cp "$2" - | tar tvf - --numeric-owner`,
    'sh',
    process.env.BRYO_TEST_PROGRAM ?? join(import.meta.dirname, '../../bin/bryo'),
    path,
  ])
  return ended.stdout
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +\d+ \d{4}-\d\d-\d\d \d\d:\d\d/, ''))
}
let fresh = 0
const newDirectory = () => world.makeDirectory(`d${fresh++}`)

function makeTree(directory: string): string {
  mkdirSync(join(directory, 'tree/sub'), { recursive: true })
  writeFileSync(join(directory, 'tree/a'), 'text\n', { mode: 0o640 })
  writeFileSync(join(directory, 'tree/sub/b'), 'deeper\n')
  symlinkSync('/etc/passwd', join(directory, 'tree/link'))
  give(directory)
  return join(directory, 'tree')
}

describe.each(SUBJECTS)('bryo cp with a %s container', (name) => {
  it('copies a file onto a new name, a file, and into a directory', async () => {
    const directory = newDirectory()
    const file = join(directory, 'file')
    writeFileSync(file, 'one\n', { mode: 0o751 })
    utimesSync(file, 1_500_000_000, 1_500_000_000)
    give(directory)
    await copy(file, `${name}:/srv/new`)
    await copy(file, `${name}:/srv/index.html`)
    await copy(file, `${name}:/srv`)
    await copy(`${name}:/srv/index.html`, join(directory, 'back'))
    const back = statSync(join(directory, 'back'))
    expect(readFileSync(join(directory, 'back'), 'utf8')).toBe('one\n')
    expect([back.mode & 0o7777, back.mtimeMs, back.uid]).toEqual([
      0o751,
      1_500_000_000_000,
      statSync(directory).uid,
    ])
    expect(await listing(`${name}:/srv/.`)).toEqual([
      '-rwxr-x--x 0/0 file',
      '-rwxr-x--x 0/0 index.html',
      '-rwxr-x--x 0/0 new',
    ])
  })

  it('copies a directory by the rules of a slash and a dot at the end', async () => {
    const directory = newDirectory()
    const tree = makeTree(directory)
    await copy(tree, `${name}:/var/tmp`)
    await copy(tree, `${name}:/var/made`)
    mkdirSync(join(directory, 'existing'))
    give(directory)
    await copy(`${name}:/var/tmp/tree/.`, join(directory, 'existing'))
    await copy(`${name}:/var/made`, join(directory, 'existing'))
    for (const path of ['existing', 'existing/made']) {
      expect(readFileSync(join(directory, path, 'sub/b'), 'utf8')).toBe('deeper\n')
      expect(readlinkSync(join(directory, path, 'link'))).toBe('/etc/passwd')
      expect(lstatSync(join(directory, path, 'a')).mode & 0o7777).toBe(0o640)
    }
  })

  it('says as Podman what is missing or does not fit', async () => {
    const directory = newDirectory()
    const tree = makeTree(directory)
    await fails(
      `"/nowhere/x" could not be found on container ${name}: no such file or directory`,
      join(tree, 'a'),
      `${name}:/nowhere/x`,
    )
    await fails(
      `"/new/" could not be found on container ${name}: no such file or directory`,
      tree,
      `${name}:/new/`,
    )
    await fails(`"/none" could not be found on container ${name}`, `${name}:/none`, directory)
    await fails('"./none" could not be found on the host', './none', `${name}:/`)
    await fails('destination must be a directory when copying a directory', tree, `${name}:/etc/passwd`)
    await fails('destination must be a directory when copying a directory', `${name}:/etc`, join(tree, 'a'))
  })

  it('puts a directory in place of a file only where it is asked to', async () => {
    const directory = newDirectory()
    mkdirSync(join(directory, 'clash/greeting'), { recursive: true })
    give(directory)
    await fails(
      'cannot overwrite non-directory "greeting" with directory "greeting"',
      `${directory}/clash/.`,
      `${name}:/etc`,
    )
    await copy('--overwrite', `${directory}/clash/.`, `${name}:/etc`)
    expect(await listing(`${name}:/etc/greeting`)).toEqual([expect.stringMatching(/^d.* greeting\/$/)])
  })

  it('keeps holes and hard links', async () => {
    const directory = newDirectory()
    mkdirSync(join(directory, 'many'))
    writeFileSync(join(directory, 'many/one'), 'linked')
    linkSync(join(directory, 'many/one'), join(directory, 'many/two'))
    writeFileSync(join(directory, 'many/sparse'), 'head')
    truncateSync(join(directory, 'many/sparse'), 3 * 1024 ** 3)
    give(directory)
    await copy(join(directory, 'many'), `${name}:/tmp`)
    await copy(`${name}:/tmp/many`, join(directory, 'again'))
    const [one, two] = ['one', 'two'].map((file) => statSync(join(directory, 'again', file)))
    expect(one?.ino).toBe(two?.ino)
    const sparse = statSync(join(directory, 'again/sparse'))
    expect(sparse.size).toBe(3 * 1024 ** 3)
    expect(sparse.blocks * 512).toBeLessThan(1024 ** 2)
  })

  it('reaches volumes', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'v'), `from ${name}`)
    give(directory)
    await copy(join(directory, 'v'), `${name}:/data/v`)
    expect(await world.inside(['-v', 'data:/data'], ['cat', '/data/v'])).toBe(`from ${name}`)
  })

  it('reads and writes archives on standard input and output', async () => {
    const directory = newDirectory()
    makeTree(directory)
    await world.command(['tar', '-C', directory, '-czf', join(directory, 'in.tar.gz'), 'tree'])
    const program = process.env.BRYO_TEST_PROGRAM ?? join(import.meta.dirname, '../../bin/bryo')
    const ended = await world.command([
      'sh',
      '-c',
      '"$1" cp - "$2" < "$3"',
      'sh',
      program,
      `${name}:/home`,
      join(directory, 'in.tar.gz'),
    ])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(await listing(`${name}:/home/tree/sub`)).toEqual([
      expect.stringMatching(/^d.* sub\/$/),
      expect.stringMatching(/ sub\/b$/),
    ])
    await fails('destination must be a directory when copying from stdin', '-', `${name}:/etc/passwd`)
  })

  it('follows links inside the container, never out of it', async () => {
    const directory = newDirectory()
    const tree = makeTree(directory)
    const outside = newDirectory()
    symlinkSync(outside, join(tree, 'out'))
    symlinkSync(`../../../../../../../../../..${outside}`, join(tree, 'up'))
    give(directory)
    await copy(tree, `${name}:/opt`)
    await fails(`"/opt/out/x" could not be found`, join(tree, 'a'), `${name}:/opt/out/x`)
    await fails(`"/opt/up/x" could not be found`, join(tree, 'a'), `${name}:/opt/up/x`)
    expect(existsSync(join(outside, 'x'))).toBe(false)
  })
})

describe('bryo cp', () => {
  it('reaches a tmpfs while the container runs', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'f'), 'x')
    give(directory)
    await copy(join(directory, 'f'), 'running:/scratch')
    expect(await listing('running:/scratch/f')).toEqual(['-rw-r--r-- 0/0 f'])
  })

  it('writes over a file that is mounted, whose inode stays', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'hosts'), '127.0.0.1 changed\n')
    give(directory)
    await copy(join(directory, 'hosts'), 'running:/etc/hosts')
    const shown = await bryo(['exec', 'running', 'cat', '/etc/hosts'])
    expect(shown).toMatchObject({ stdout: '127.0.0.1 changed\n' })
  })

  it('copies between containers, and within one', async () => {
    await copy('running:/etc/group', 'stopped:/srv/group')
    await copy('stopped:/srv/group', 'stopped:/srv/again')
    await copy('running:/etc', 'running:/etc/inner')
    expect(await listing('stopped:/srv/again')).toEqual(['-rw-r--r-- 0/0 again'])
    expect(await listing('running:/etc/inner/passwd')).toEqual(['-rw-r--r-- 0/0 passwd'])
  })

  it('gives what comes in to the container’s user, or keeps the owner', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'f'), 'x')
    give(directory)
    chmodSync(join(directory, 'f'), 0o4755)
    const made = await bryo(['create', '--name', 'ana', '--user', 'ana', IMAGE, 'true'])
    expect(made, made.stderr).toMatchObject({ code: 0 })
    await copy(join(directory, 'f'), 'ana:/mine')
    await copy('--archive=false', join(directory, 'f'), 'ana:/roots')
    expect(await listing('ana:/mine')).toEqual(['-rwsr-xr-x 1000/1000 mine'])
    expect(await listing('ana:/roots')).toEqual(['-rwsr-xr-x 0/0 roots'])
    await copy('ana:/mine', join(directory, 'out'))
    expect(statSync(join(directory, 'out')).mode & 0o7777).toBe(0o755)
  })

  it('works on roots of other id maps', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'f'), 'x')
    give(directory)
    const made = await bryo(['create', '--name', 'kept', '--userns', 'keep-id:uid=7,gid=8', IMAGE, 'true'])
    expect(made, made.stderr).toMatchObject({ code: 0 })
    await copy(join(directory, 'f'), 'kept:/f')
    expect(await listing('kept:/f')).toEqual(['-rw-r--r-- 7/8 f'])
  })

  it('holds a container that does not run: a start, a removal and another copy wait', async () => {
    const directory = newDirectory()
    writeFileSync(join(directory, 'f'), 'x')
    give(directory)
    const commands = {
      held: ['start', 'held'],
      gone: ['rm', 'gone'],
      full: ['cp', join(directory, 'f'), 'full:/f'],
    }
    const pairs = []
    for (const [name, waiting] of Object.entries(commands)) {
      const made = await bryo(['create', '--name', name, '--network', 'none', IMAGE, 'sleep', '1000'])
      expect(made, made.stderr).toMatchObject({ code: 0 })
      const lock = join(world.dataRoot, 'containers', made.stdout.trim(), 'start.lock')
      const holder = world.startCommand(['flock', lock, 'sh', '-c', 'echo held; cat'])
      await holder.said('held')
      pairs.push({ holder, waiting: world.start(waiting) })
    }
    for (const { holder, waiting } of pairs) {
      holder.endInput()
      await holder.ended
      expect(await waiting.ended).toMatchObject({ code: 0, stderr: '' })
    }
    const fields = ['inspect', '--format', '{{.State.Status}}']
    expect(await bryo([...fields, 'held', 'full'])).toMatchObject({ stdout: 'running\ncreated\n' })
    expect(await bryo(['container', 'exists', 'gone'])).toMatchObject({ code: 1 })
    await bryo(['rm', '-f', 'held', 'full'])
  })

  it('refuses arguments without a container or a path', async () => {
    await fails('invalid arguments "/a", "/b"', '/a', '/b')
    await fails('invalid arguments "running:", "/b": you must specify paths', 'running:', '/b')
    await fails('no container with name or ID "nobody"', 'nobody:/a', '/b')
  })

  it('copies a name that is no text', async () => {
    const directory = newDirectory()
    const made = await bryo([
      'exec',
      'running',
      'sh',
      '-c',
      "mkdir /odd; echo x > /odd/$(printf 'a\\377\\nb')",
    ])
    expect(made, made.stderr).toMatchObject({ code: 0 })
    await copy('running:/odd', directory)
    const listed = await world.command(['sh', '-c', 'ls "$1" | od -An -tx1', 'sh', join(directory, 'odd')])
    expect(listed.stdout.replace(/\s/g, '')).toContain('61ff0a62')
  })
})
