import { execFileSync, spawn } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Ended } from './support/command.ts'
import { RUNS_AS_ROOT } from './support/user.ts'
import { BRYO, openWorld, PATH } from './support/world.ts'

interface Person {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

const run = (program: string, args: readonly string[]) => execFileSync(program, args, { encoding: 'utf8' })
const canMakeUsers = RUNS_AS_ROOT && run('sh', ['-c', 'command -v useradd || true']) !== ''
const world = await openWorld({ image: false, unused: !canMakeUsers })
const directory = canMakeUsers
  ? mkdtempSync(join(process.env.BRYO_TEST_TMP ?? tmpdir(), 'bryo-shared-'))
  : '/nonexistent'
const shared = join(world.directory, 'shared')
const NAME = 'localhost/common:1'
const people: Person[] = []

/** A user with subordinate ids of their own, and a home; gone after the tests. */
function makePerson(name: string): Person {
  run('useradd', ['--no-create-home', '--shell', '/bin/sh', '-K', 'SUB_UID_COUNT=65536', name])
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(run('id', [flag, name])))
  const home = join(directory, name)
  const person = { name, uid: uid ?? -1, gid: gid ?? -1, home }
  people.push(person)
  for (const path of [home, join(home, 'run')]) {
    mkdirSync(path, { mode: 0o700 })
    chownSync(path, person.uid, person.gid)
  }
  return person
}

function bryoAs({ uid, gid, name, home }: Person, args: readonly string[]): Promise<Ended> {
  const own = ['--storage-opt', `additionalimagestore=${shared}`]
  const env = { HOME: home, USER: name, PATH, XDG_RUNTIME_DIR: join(home, 'run') }
  const child = spawn(BRYO, [...own, ...args], { cwd: home, env, uid, gid })
  const texts = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      texts[stream] += text
    })
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, ...texts })))
}

async function succeed(person: Person, ...args: readonly string[]): Promise<string> {
  const ended = await bryoAs(person, args)
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
  return ended.stdout.trimEnd()
}

const listing = () => run('find', [shared, '-printf', '%p %U:%G %m %s %T@\n'])

describe.runIf(canMakeUsers)('a store for several users (skipped where no users can be made)', () => {
  const ownerFlags = ['--root', shared, '--storage-opt', 'force_mask=shared']
  const owner = async (...args: readonly string[]) => {
    const ended = await world.bryo([...ownerFlags, ...args])
    expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0 })
    return ended.stdout.trimEnd()
  }
  const SHOW =
    'stat -c "%n %u:%g %a" / /bin/busybox /srv /srv/secret /srv/tool; cat /srv/secret; cat /etc/greeting'
  const SHOWN = [
    '/ 0:0 755',
    '/bin/busybox 0:0 755',
    '/srv 33:34 2770',
    '/srv/secret 33:34 640',
    '/srv/tool 1000:1000 4711',
    'for few',
    'hello from the image',
  ].join('\n')

  beforeAll(async () => {
    run('chmod', ['755', world.directory, directory])
    for (const letter of ['b', 'c']) makePerson(`bryoshare${letter}${process.pid % 10_000}`)
    await owner('import', world.archive, 'localhost/below:1')
    const make =
      'mkdir -p /srv; echo for few > /srv/secret; cp /bin/busybox /srv/tool; chown -R 33:34 /srv; chown 1000:1000 /srv/tool; chmod 2770 /srv; chmod 640 /srv/secret; chmod 4711 /srv/tool'
    await owner('run', '--name', 'made', '--network', 'none', 'below:1', 'sh', '-c', make)
    await owner('commit', '-q', 'made', NAME)
    await owner('rm', 'made')
    // Directories for its own containers are not for others.
    await owner('image', 'prune', '--force')
  }, 60_000)

  afterAll(async () => {
    for (const person of people) {
      for (const args of [
        ['rm', '-af'],
        ['rmi', '-af'],
      ])
        await bryoAs(person, args)
      run('userdel', ['--force', person.name])
    }
    rmSync(directory, { recursive: true, force: true })
    await owner('rmi', '-af')
  })

  it('belongs to its owner down to the last file, and can be read by all', async () => {
    expect(statSync(shared).mode & 0o777).toBe(0o755)
    const { uid } = statSync(shared)
    const inside = run('find', [join(shared, 'layers'), '-printf', '%U %m %y\n'])
      .trim()
      .split('\n')
    expect(new Set(inside.map((line) => line.split(' ')[0]))).toEqual(new Set([String(uid)]))
    const modes = inside.filter((line) => !line.endsWith('l')).map((line) => line.split(' ')[1])
    expect([...new Set(modes)].sort()).toEqual(['644', '755'])
    expect(JSON.parse(readFileSync(join(shared, 'store.json'), 'utf8'))).toEqual({ version: 1, shared: true })
  })

  it("shows each user's containers the owners and modes of the image, and is never written", async () => {
    expect(await owner('run', '--rm', '--network', 'none', NAME, 'sh', '-c', SHOW)).toBe(SHOWN)
    const before = listing()
    for (const person of people) {
      expect(await succeed(person, 'images', '--format', '{{.Names}} {{.ReadOnly}}', NAME)).toBe(
        `[${NAME}] true`,
      )
      for (const flags of [
        [],
        ['--userns', 'keep-id', '--user', '0'],
        ['--userns', 'auto'],
        ['--storage-driver', 'fuse-overlayfs'],
      ]) {
        const ended = await succeed(
          person,
          'run',
          '--rm',
          '--network',
          'none',
          ...flags,
          NAME,
          'sh',
          '-c',
          SHOW,
        )
        expect(ended, flags.join(' ')).toBe(SHOWN)
      }
      const write =
        'echo more >> /srv/secret; chown 7:7 /srv/tool; rm /etc/greeting; stat -c %u:%g:%a /srv/secret /srv/tool'
      expect(await succeed(person, 'run', '--name', 'w', '--network', 'none', NAME, 'sh', '-c', write)).toBe(
        '33:34:640\n7:7:711',
      )
      expect((await succeed(person, 'diff', 'w')).split('\n').sort()).toEqual([
        'C /etc',
        'C /srv',
        'C /srv/secret',
        'C /srv/tool',
        'D /etc/greeting',
      ])
      await succeed(person, 'export', '-o', join(person.home, 'w.tar'), 'w')
      const exported = run('tar', ['-tvf', join(person.home, 'w.tar'), '--numeric-owner'])
      expect(exported).toMatch(/-rw-r----- 33\/34 .* srv\/secret/)
      // A directory that fuse-overlayfs has copied up may lack its set-group-id bit.
      expect(exported).toMatch(/drwxrw[sx]--- 33\/34 .* srv\//)
      expect(exported).toMatch(/-rwx--x--x 7\/7 .* srv\/tool/)
      await succeed(person, 'commit', '-q', 'w', 'localhost/mine')
      expect(
        await succeed(
          person,
          'run',
          '--rm',
          '--network',
          'none',
          'mine',
          'sh',
          '-c',
          'cat /srv/secret; stat -c %u /srv/tool',
        ),
      ).toBe('for few\nmore\n7')
      await succeed(person, 'save', '-o', join(person.home, 'common.tar'), NAME)
      await succeed(person, 'rm', 'w')
      expect(await succeed(person, 'system', 'check')).toBe('')
    }
    expect(listing()).toBe(before)
  })

  it.runIf(canMakeUsers && /^root:/m.test(readFileSync('/etc/subuid', 'utf8')))(
    'may be made by root (skipped without subordinate ids of root)',
    async () => {
      const rootMade = join(directory, 'root-made')
      const root: Person = { name: 'root', uid: 0, gid: 0, home: directory }
      const places = ['--root', rootMade, '--runroot', join(directory, 'root-run')]
      const [first] = people
      if (!first) throw new Error('nobody is there')
      const archive = join(first.home, 'for-root.tar')
      await succeed(first, 'save', '-o', archive, NAME)
      await succeed(root, ...places, '--storage-opt', 'force_mask=shared', 'load', '-q', '-i', archive)
      const show = ['run', '--rm', '--network', 'none', NAME, 'sh', '-c', SHOW]
      expect(await succeed(root, ...places, ...show)).toBe(SHOWN)
      for (const person of people) {
        const flags = [
          '--root',
          join(person.home, 'other'),
          '--storage-opt',
          `additionalimagestore=${rootMade}`,
        ]
        expect(await succeed(person, ...flags, ...show)).toBe(SHOWN)
        await succeed(person, ...flags, 'image', 'prune', '--force')
      }
      await succeed(root, ...places, 'rmi', '-af')
    },
  )

  it('is refused where it is not shared, where others may write to it, and for mounts of the kernel', async () => {
    const [person] = people
    if (!person) throw new Error('nobody is there')
    const use = (store: string) =>
      bryoAs(person, ['--storage-opt', `additionalimagestore=${store}`, 'images'])
    const own = join(world.directory, 'own')
    expect(await world.bryo(['--root', own, 'images'])).toMatchObject({ code: 0 })
    expect((await use(own)).stderr).toContain('is not shared')
    expect(
      (await world.bryo(['--root', own, '--storage-opt', 'force_mask=shared', 'images'])).stderr,
    ).toContain('it was made for its owner alone')
    run('chmod', ['777', shared])
    const ended = await use(shared)
    run('chmod', ['755', shared])
    expect(ended.stderr).toContain('others than its owner may write')
    const mount = ['run', '--rm', '--mount', `type=image,src=${NAME},dst=/mnt`, NAME, 'true']
    expect((await bryoAs(person, mount)).stderr).toContain('a store for several users')
    expect((await bryoAs(person, ['rmi', NAME])).stderr).toContain('read-only')
  })
})
