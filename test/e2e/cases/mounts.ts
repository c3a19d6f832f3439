import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TEST_USER } from '../support/user.ts'
import { give, IMAGE, type World } from '../support/world.ts'

const NO_NETWORK = ['--network', 'none']

/** What is mounted in a container, whatever the storage driver is. */
export function describeMounts(world: World): void {
  const { bryo } = world
  const inside = (flags: readonly string[], command: string) =>
    world.inside([...NO_NETWORK, ...flags], command)

  describe("a container's root", () => {
    it('can be written, and the image does not change', async () => {
      expect(
        await inside([], 'echo changed > /etc/greeting; rm /srv/index.html; mkdir /new; cat /etc/greeting'),
      ).toBe('changed')
      expect(await inside([], 'cat /etc/greeting; ls /srv; ls -d /new 2>/dev/null; true')).toBe(
        'hello from the image\nindex.html',
      )
    })

    it('lets files be renamed, linked, given away and made again as directories', async () => {
      const text = await inside(
        [],
        'mv /etc/greeting /etc/g2; ln /etc/g2 /etc/g3; chown 1000:29 /etc/g3; stat -c "%u:%g %h" /etc/g2; rm /etc/g2; mkdir /etc/g2; rm -r /srv; mkdir /srv; ls -A /srv; echo end',
      )
      expect(text).toBe('1000:29 2\nend')
    })

    it('cannot be written with --read-only, but for a few places', async () => {
      const text = await inside(
        ['--read-only'],
        'touch /etc/x 2>/dev/null || echo ro; touch /tmp/x /run/x /var/tmp/x /dev/shm/x && echo rw',
      )
      expect(text).toBe('ro\nrw')
      expect(
        await inside(['--read-only', '--read-only-tmpfs=false'], 'touch /tmp/x 2>/dev/null || echo ro'),
      ).toBe('ro')
    })

    it('can be a directory without any image; :O keeps it as it is', async () => {
      const plain = await bryo([
        'run',
        '--rm',
        ...NO_NETWORK,
        '--rootfs',
        `${world.rootfs}:O`,
        'sh',
        '-c',
        'echo x > /made; cat /made',
      ])
      expect(plain).toMatchObject({ code: 0, stdout: 'x\n' })
      expect(statSync(`${world.rootfs}/made`, { throwIfNoEntry: false })).toBeUndefined()
      const direct = await bryo([
        'run',
        '--rm',
        ...NO_NETWORK,
        '--rootfs',
        world.rootfs,
        'sh',
        '-c',
        'echo y > /made',
      ])
      expect(direct).toMatchObject({ code: 0 })
      expect(readFileSync(`${world.rootfs}/made`, 'utf8')).toBe('y\n')
      await world.command(['rm', `${world.rootfs}/made`])
    })
  })

  describe('-v with a directory of the host', () => {
    it('shows it, writes to it as the caller, and carries nothing else', async () => {
      const directory = world.makeDirectory('shared')
      writeFileSync(`${directory}/given`, 'from the host\n')
      expect(
        await inside(['-v', `${directory}:/w`], 'cat /w/given; echo mine > /w/made; stat -c %u /w/made'),
      ).toBe('from the host\n0')
      expect(readFileSync(`${directory}/made`, 'utf8')).toBe('mine\n')
      expect(statSync(`${directory}/made`).uid).toBe(TEST_USER.uid)
    })

    it('with ro refuses writing', async () => {
      const directory = world.makeDirectory('readonly')
      expect(await inside(['-v', `${directory}:/w:ro`], 'touch /w/x 2>&1; true')).toContain(
        'Read-only file system',
      )
      expect(
        await inside(['--mount', `type=bind,src=${directory},dst=/w,ro`], 'touch /w/x 2>&1; true'),
      ).toContain('Read-only file system')
    })

    it('takes a relative path, a single file, and a path with blanks and colons by --mount', async () => {
      const directory = world.makeDirectory('odd: name')
      writeFileSync(`${directory}/file`, 'odd\n')
      expect(
        await inside(
          ['--mount', `type=bind,source=${directory}/file,target=/etc/greeting`],
          'cat /etc/greeting',
        ),
      ).toBe('odd')
      world.makeDirectory('relative')
      writeFileSync(`${world.work}/relative/f`, 'rel\n')
      expect(await inside(['-v', './relative:/w'], 'cat /w/f')).toBe('rel')
    })

    it('with U gives the tree to the user of the container', async () => {
      const directory = world.makeDirectory('chowned')
      writeFileSync(`${directory}/f`, '')
      give(directory)
      expect(
        await inside(
          ['-u', 'ana', '-v', `${directory}:/w:U`],
          'stat -c %u:%g /w /w/f; echo ok > /w/f && cat /w/f',
        ),
      ).toBe('1000:1000\n1000:1000\nok')
    })

    it('follows a link of the host, and makes missing targets inside', async () => {
      const directory = world.makeDirectory('linked')
      mkdirSync(`${directory}/real`)
      writeFileSync(`${directory}/real/f`, 'real\n')
      symlinkSync('real', `${directory}/link`)
      give(directory)
      expect(await inside(['-v', `${directory}/link:/deep/er/target`], 'cat /deep/er/target/f')).toBe('real')
    })

    it('keeps propagation as it was asked for', async () => {
      const directory = world.makeDirectory('propagation')
      const optional = (mode: string) =>
        inside(
          ['-v', `${directory}:/w:${mode}`],
          `awk '$5 == "/w" { for (i = 7; $i != "-"; i++) printf "%s ", $i; print "end" }' /proc/self/mountinfo`,
        )
      expect(await optional('rprivate')).toBe('end')
      expect(await optional('rslave')).toMatch(/^(?:master:\d+ )?end$/)
    })

    it('shows mounts below it where they are asked for with rbind, as by default', async () => {
      expect(await inside(['-v', '/dev:/host-dev:ro'], 'mount | grep -c " on /host-dev/pts "')).toMatch(
        /^[1-9]/,
      )
    })
  })

  describe('--tmpfs', () => {
    it('mounts a tmpfs with its size and mode, empty where that is asked for', async () => {
      const text = await inside(
        ['--tmpfs', '/etc:size=4m,mode=700,notmpcopyup'],
        "ls -A /etc | grep -v -e hosts -e resolv.conf -e hostname; stat -c %a /etc; df -k /etc | awk 'NR == 2 { print $2 }'",
      )
      expect(text).toBe('700\n4096')
    })

    it('starts with what the image has there, and keeps its own mode', async () => {
      const text = await inside(
        ['--tmpfs', '/etc:mode=711'],
        'cut -d: -f1 /etc/passwd | head -n 1; stat -c %a /etc',
      )
      expect(text).toBe('root\n711')
    })

    it('is nosuid, nodev and noexec unless asked otherwise', async () => {
      expect(await inside(['--tmpfs', '/t'], 'awk \'$2 == "/t" { print $4 }\' /proc/mounts')).toMatch(
        /nosuid,nodev,noexec/,
      )
      expect(
        await inside(
          ['--mount', 'type=tmpfs,dst=/t,tmpfs-size=1m'],
          'cp /bin/busybox /t 2>/dev/null; stat -f -c %b /t',
        ),
      ).toBe('256')
    })
  })

  describe('named volumes', () => {
    it('take over what the image has there the first time, and keep it', async () => {
      expect(await inside(['-v', 'data:/srv'], 'cat /srv/index.html; echo more > /srv/more')).toBe(
        'served from inside',
      )
      expect(await inside(['-v', 'data:/elsewhere'], 'ls /elsewhere')).toBe('index.html\nmore')
      expect(await inside(['-v', 'empty:/srv:nocopy'], 'ls -A /srv')).toBe('')
    })

    it('keep owners of subordinate ids', async () => {
      await inside(['-v', 'owners:/o'], 'touch /o/f; chown 1000:29 /o/f')
      expect(await inside(['-v', 'owners:/o'], 'stat -c %u:%g /o/f')).toBe('1000:29')
    })

    it('without a name go with the container that --rm removes', async () => {
      const before = world.listing()
      await inside(['-v', '/cache'], 'echo x > /cache/x')
      await world.expectUnchanged(before)
    })
  })

  describe('--mount type=image', () => {
    it('shows another image, read-only', async () => {
      const text = await inside(
        ['--mount', `type=image,src=${IMAGE},dst=/img`],
        'cat /img/etc/greeting; touch /img/x 2>&1; true',
      )
      expect(text).toMatch(/^hello from the image\n.*Read-only file system/)
    })
  })

  describe('mounts that cannot be made', () => {
    it.each([
      ['a source that does not exist', ['-v', '/no/such/place:/w'], '/no/such/place'],
      ['a relative target', ['-v', '/tmp:w'], 'w'],
      ['two mounts at one target', ['-v', '/tmp:/w', '--tmpfs', '/w'], '/w'],
      ['an unknown option', ['-v', '/tmp:/w:sideways'], 'sideways'],
      ['an unknown type', ['--mount', 'type=carpet,dst=/w'], 'carpet'],
      ['the root as a target', ['-v', '/tmp:/'], '/'],
      ['something over /proc', ['--tmpfs', '/proc'], '/proc'],
      ['an image that does not exist', ['--mount', 'type=image,src=localhost/none,dst=/w'], 'localhost/none'],
    ])('%s: one error, nothing left', async (_what, flags, named) => {
      const before = world.listing()
      const ended = await bryo(['run', '--rm', ...NO_NETWORK, ...flags, IMAGE, 'true'])
      expect(ended).toMatchObject({ code: 125, stdout: '' })
      expect(ended.stderr).toMatch(/^Error: [^\n]*\n(?:[^\n]+\n)?$/)
      expect(ended.stderr).toContain(named)
      await world.expectUnchanged(before)
    })

    it('a source that only others may enter', async () => {
      const before = world.listing()
      const ended = await bryo(['run', '--rm', ...NO_NETWORK, '-v', '/proc/1/root:/w', IMAGE, 'true'])
      expect(ended.code).toBe(125)
      expect(ended.stderr).toMatch(/^Error: .*\/proc\/1\/root/)
      await world.expectUnchanged(before)
    })
  })
}
