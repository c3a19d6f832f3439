import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeBusyboxRoot, packRoot } from './support/busybox.ts'
import type { Ended } from './support/command.ts'
import { mountsOf } from './support/leftovers.ts'
import { RUNS_AS_ROOT, TEST_USER } from './support/user.ts'
import { BRYO, IMAGE } from './support/world.ts'

/** `FIRST:COUNT` of root's lines in a file of subordinate ids. */
function firstSubordinateId(file: string): number | undefined {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((text) => /^(?:root|0):/.test(text))
  return line === undefined ? undefined : Number(line.split(':')[1])
}

const subuid = RUNS_AS_ROOT ? firstSubordinateId('/etc/subuid') : undefined
const subgid = RUNS_AS_ROOT ? firstSubordinateId('/etc/subgid') : undefined
const WHY = RUNS_AS_ROOT ? '(skipped: root has no subordinate ids)' : '(skipped: not root)'
const usable = subuid !== undefined && subgid !== undefined

describe.skipIf(!usable)(`bryo started as root${usable ? '' : ` ${WHY}`}`, () => {
  const directory = usable
    ? mkdtempSync(join(process.env.BRYO_TEST_TMP ?? tmpdir(), 'bryo-root-'))
    : '/nonexistent'
  const [dataRoot, runRoot] = [join(directory, 'data'), join(directory, 'run')]
  const places = ['--root', dataRoot, '--runroot', runRoot]

  function start(args: readonly string[]) {
    const child = spawn(BRYO, [...places, ...args], {
      cwd: directory,
      env: { HOME: '/root', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    })
    const texts = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      texts.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      texts.stderr += text
    })
    const ended = new Promise<Ended>((resolve) => {
      child.on('close', (code) => resolve({ code: code ?? -1, ...texts }))
    })
    return { child, texts, ended }
  }

  const bryo = (...args: string[]) => {
    const { child, ended } = start(args)
    child.stdin.end()
    return ended
  }

  async function inside(flags: readonly string[], script: string): Promise<string> {
    const ended = await bryo('run', '--rm', '--network', 'none', ...flags, IMAGE, 'sh', '-c', script)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return ended.stdout.replace(/\n$/, '')
  }

  const shared = (name: string, content: string, mode: number) => {
    const path = join(directory, name)
    mkdirSync(path, { mode: 0o755 })
    writeFileSync(join(path, 'f'), content, { mode })
    return path
  }

  beforeAll(async () => {
    chmodSync(directory, 0o755)
    const rootfs = join(directory, 'rootfs')
    mkdirSync(rootfs)
    makeBusyboxRoot(rootfs)
    packRoot(rootfs, join(directory, 'busybox.tar'))
    const imported = await bryo('import', join(directory, 'busybox.tar'), IMAGE)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })

  afterAll(async () => {
    for (const args of [
      ['rm', '--all', '--force'],
      ['rmi', '--all', '--force'],
    ]) {
      const ended = await bryo(...args)
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
    }
    expect(mountsOf(directory)).toEqual([])
    for (const name of ['containers', 'layers', 'images', 'pending', 'tmp'])
      expect(readdirSync(join(dataRoot, name))).toEqual([])
    rmSync(directory, { recursive: true })
  })

  describe('the ids of its containers', () => {
    it("are root's subordinate ids; the root of this host is not among them", async () => {
      const map = await inside([], 'cat /proc/self/uid_map /proc/self/gid_map; id -u')
      const rows = map.split('\n').map((line) => line.trim().split(/\s+/))
      expect(rows[0]?.slice(0, 2)).toEqual(['0', String(subuid)])
      expect(rows[1]?.slice(0, 2)).toEqual(['0', String(subgid)])
      expect(rows[2]).toEqual(['0'])
    })

    it.each([['--userns=keep-id'], ['--userns=host'], ['--group-add=keep-groups']])(
      'never are those of the caller: %s is an error',
      async (flag) => {
        const ended = await bryo('run', '--rm', flag, IMAGE, 'true')
        expect(ended).toMatchObject({ code: 125, stdout: '' })
        expect(ended.stderr).toMatch(/^Error: .*root/)
      },
    )

    it.each([
      ['nomap', ['--userns', 'nomap']],
      ['auto', ['--userns', 'auto']],
      ['other ones by --uidmap, by fuse-overlayfs', ['--uidmap', '0:0:100', '--uidmap', '100:200:100']],
      ['the default ones by fuse-overlayfs', ['--storage-driver', 'fuse-overlayfs']],
    ])('may be %s', async (_what, flags) => {
      const text = await inside(flags, 'id -u; stat -c %u:%g /etc/greeting; echo x >/f; stat -c %u:%g /f')
      expect(text).toBe('0\n0:0\n0:0')
    })
  })

  describe('what a container writes', () => {
    it('belongs to subordinate ids on the disk, also after a restart', async () => {
      const first = await bryo(
        'run',
        '--name',
        'kept',
        '--network',
        'none',
        IMAGE,
        'sh',
        '-c',
        'if [ -e /f ]; then stat -c %u:%g /f /d; else echo x >/f; mkdir /d; chown 5:6 /f; chown 7 /d; fi',
      )
      expect(first, first.stderr).toMatchObject({ code: 0 })
      const [id = ''] = readdirSync(join(dataRoot, 'containers'))
      const upper = join(dataRoot, 'containers', id, 'upper')
      expect(lstatSync(upper).uid).toBe(subuid)
      expect(lstatSync(join(upper, 'f'))).toMatchObject({ uid: Number(subuid) + 5, gid: Number(subgid) + 6 })
      const again = await bryo('start', '--attach', 'kept')
      expect(again).toMatchObject({ code: 0, stdout: '5:6\n7:0\n' })
      expect(await bryo('rm', 'kept')).toMatchObject({ code: 0 })
    })

    it('to a volume does too; a new one takes over what the image has', async () => {
      expect(await inside(['-v', 'data:/srv'], 'cat /srv/index.html; echo x >/srv/f')).toBe(
        'served from inside',
      )
      const content = join(dataRoot, 'volumes/data/_data')
      expect(
        [content, join(content, 'f'), join(content, 'index.html')].map((path) => statSync(path).uid),
      ).toEqual([subuid, subuid, subuid])
    })

    it('to an overlay of a directory, or of an image, stays with the container', async () => {
      const host = shared('lower', 'from the host\n', 0o644)
      chownSync(host, Number(subuid), Number(subgid))
      const text = await inside(
        ['-v', `${host}:/o:O`, '--mount', `type=image,src=${IMAGE},dst=/img,rw=true`],
        'cat /o/f; echo x >/o/new && ls /o; echo x >/img/etc/new && ls /img/etc',
      )
      expect(text).toBe('from the host\nf\nnew\ngreeting\ngroup\nnew\npasswd')
      expect(readdirSync(host)).toEqual(['f'])
    })

    it('to /dev/stdout reaches a pipe, for root and for another user', async () => {
      const script = '"$@" | cat'
      for (const user of ['root', 'ana']) {
        const argv = [
          'run',
          '--rm',
          '--network',
          'none',
          '-u',
          user,
          IMAGE,
          'sh',
          '-c',
          'echo said >/dev/stdout',
        ]
        const options = { cwd: directory, encoding: 'utf8' } as const
        expect(execFileSync('sh', ['-c', script, 'sh', BRYO, ...places, ...argv], options)).toBe('said\n')
      }
    })
  })

  describe("what is root's on this host", () => {
    it('can be read by a container as by anybody, and not be written', async () => {
      const open = shared('open', 'for all\n', 0o644)
      const closed = shared('closed', 'secret\n', 0o600)
      expect(
        await inside(
          ['-v', `${open}:/open`, '-v', `${closed}:/closed`, '-v', '/root:/r'],
          'cat /open/f; for file in /open/f /open/new /r/new; do echo x 2>/dev/null >$file && echo written; done; cat /closed/f 2>/dev/null; ls /r 2>/dev/null; true',
        ),
      ).toBe('for all')
    })

    it('cannot be given to a container by :U', async () => {
      const ended = await bryo('run', '--rm', '--network', 'none', '-v', '/root:/r:U', IMAGE, 'true')
      expect(ended.code).toBe(125)
      expect(statSync('/root').uid).toBe(0)
    })

    it('is no root of a container, which could not even mount in it', async () => {
      const ended = await bryo('run', '--rm', '--rootfs', join(directory, 'rootfs'), 'true')
      expect(ended).toMatchObject({ code: 125 })
      expect(ended.stderr).toContain(`belongs to uid 0, expected ${subuid}`)
    })
  })

  describe('its store', () => {
    it("is closed to everybody else, the containers' own ids included", () => {
      expect(statSync(dataRoot).mode & 0o777).toBe(0o700)
      for (const [uid, gid] of [
        [TEST_USER.uid, TEST_USER.gid],
        [Number(subuid), Number(subgid)],
      ]) {
        expect(() => execFileSync('ls', [dataRoot], { uid, gid, stdio: 'pipe' })).toThrow(/Permission denied/)
      }
    })

    it("is never another user's", async () => {
      const other = join(directory, 'other')
      mkdirSync(other)
      chownSync(other, TEST_USER.uid, TEST_USER.gid)
      const ended = await bryo('--root', other, 'images')
      expect(ended).toMatchObject({ code: 125 })
      expect(ended.stderr).toContain(`belongs to uid ${TEST_USER.uid}, expected 0`)
      expect(readdirSync(other)).toEqual([])
    })
  })

  describe.skipIf(!existsSync('/dev/net/tun'))('the network of its containers', () => {
    it('is served on any port, by processes that are not root', async () => {
      const [low, high] = [await freePort(600), await freePort(20_000)]
      const run = start([
        'run',
        '--rm',
        '-p',
        `127.0.0.1:${low}:80`,
        '-p',
        `127.0.0.1:${high}:80`,
        IMAGE,
        'sh',
        '-c',
        'trap "exit 3" TERM; httpd -h /srv; echo up; sleep 100 & wait',
      ])
      await expect.poll(() => run.texts.stdout + run.texts.stderr).toContain('up\n')
      for (const port of [low, high]) {
        const answer = await fetch(`http://127.0.0.1:${port}/index.html`)
        expect(await answer.text()).toBe('served from inside\n')
      }
      const served = childrenOf(run.child.pid ?? 0)
      expect(served.map(({ name }) => name)).toEqual(expect.arrayContaining(['slirp4netns', 'bryo-ports']))
      expect(served.map(({ uids }) => uids)).toEqual(
        served.map(() => [subuid, subuid, subuid, subuid].join('\t')),
      )
      run.child.kill('SIGTERM')
      run.child.stdin.end()
      expect(await run.ended).toMatchObject({ code: 3 })
    })
  })
})

/** A port from `from` on that nothing listens on. */
async function freePort(from: number): Promise<number> {
  for (let port = from; ; port += 1) {
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

interface Child {
  readonly name: string
  /** Real, effective, saved and that for files. */
  readonly uids: string
}

function childrenOf(parent: number): readonly Child[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid): readonly Child[] => {
      const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : ''
      const field = (name: string) => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? ''
      return field('PPid') === String(parent) ? [{ name: field('Name'), uids: field('Uid') }] : []
    })
}
