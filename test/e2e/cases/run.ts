import { describe, expect, it } from 'vitest'
import { BRYO, IMAGE, type World } from '../support/world.ts'

/** What `run` promises whatever the storage driver and the runtime are. */
export function describeRun(world: World): void {
  const { bryo, inside } = world

  describe('bryo run', () => {
    it('runs the command in namespaces of its own, as root of them', async () => {
      const text = await inside([], 'id -u; echo $$; hostname; ls /proc | grep -c "^[0-9]"')
      const [uid, pid, hostname, processes] = text.split('\n')
      expect(uid).toBe('0')
      expect(pid).toBe('1')
      expect(hostname).toMatch(/^[0-9a-f]{12}$/)
      expect(Number(processes)).toBeLessThan(5)
    })
  })

  describe("bryo run's exit code", () => {
    it.each([
      ['0 of a command that succeeds', ['true'], 0],
      ["the command's own", ['sh', '-c', 'exit 42'], 42],
      ['the highest one', ['sh', '-c', 'exit 255'], 255],
      ['127 for a command that does not exist', ['no-such-command'], 127],
      ['127 for a path that does not exist', ['/no/such/command'], 127],
      ['126 for a file that is not executable', ['/bin/not-executable'], 126],
      ['126 for a directory', ['/etc'], 126],
    ])('is %s', async (_what, command, code) => {
      const before = world.listing()
      const ended = await bryo(['run', '--rm', '--network', 'none', IMAGE, ...command])
      expect(ended).toMatchObject({ code, stdout: '' })
      if (code === 126 || code === 127) expect(ended.stderr).toMatch(/^Error: .*\n/)
      else expect(ended.stderr).toBe('')
      await world.expectUnchanged(before)
    })

    it('is 128 + n where signal n ends the first process', async () => {
      const run = world.start([
        'run',
        '--rm',
        '--name',
        'ended',
        '--network',
        'none',
        IMAGE,
        'sh',
        '-c',
        'echo up; sleep 100',
      ])
      await run.said('up')
      const pid = (await bryo(['inspect', '--format', '{{.State.Pid}}', 'ended'])).stdout.trim()
      await world.command(['kill', '-KILL', pid])
      expect(await run.ended).toMatchObject({ code: 137, stdout: 'up\n' })
    })

    it('is 125 for a mistake on the command line', async () => {
      const ended = await bryo(['run', '--no-such-flag', IMAGE])
      expect(ended).toMatchObject({ code: 125, stdout: '' })
      expect(ended.stderr).toBe("Error: unknown flag: --no-such-flag\nSee 'bryo run --help'\n")
    })
  })

  describe("bryo run's standard streams", () => {
    it('are passed on as they are: a file given as output is the very file inside', async () => {
      const ended = await world.command([
        'sh',
        '-c',
        `"$1" run --rm --network none ${IMAGE} sh -c 'echo one; echo two >&2' >out 2>err; cat out; cat err >&2`,
        '-',
        BRYO,
      ])
      expect(ended).toMatchObject({ code: 0, stdout: 'one\n', stderr: 'two\n' })
    })

    it('carry a large output unharmed', async () => {
      const ended = await bryo([
        'run',
        '--rm',
        '--network',
        'none',
        IMAGE,
        'sh',
        '-c',
        'yes 0123456789 | head -c 3000000',
      ])
      expect(ended.stdout.length).toBe(3_000_000)
      expect(ended.code).toBe(0)
    })

    it('leave standard input closed to the command without -i', async () => {
      const ended = await bryo(['run', '--rm', '--network', 'none', IMAGE, 'cat'], { input: 'not for you' })
      expect(ended).toMatchObject({ code: 0, stdout: '' })
    })

    it('give standard input to the command with -i', async () => {
      const ended = await bryo(['run', '--rm', '-i', '--network', 'none', IMAGE, 'wc', '-c'], {
        input: 'x'.repeat(200_000),
      })
      expect(ended).toMatchObject({ code: 0, stdout: '200000\n' })
    })

    it('end the command by a broken pipe as a shell does', async () => {
      const script = `"$1" run --rm --network none ${IMAGE} yes | head -n 1`
      expect(await world.command(['sh', '-c', script, '-', BRYO])).toMatchObject({
        code: 0,
        stdout: 'y\n',
      })
      await expect
        .poll(() => world.listing().filter((path) => path.startsWith('data/containers/')))
        .toEqual([])
    })
  })

  describe("bryo run's environment", () => {
    it("holds nothing of the host's, nor of the runtime's", async () => {
      const names = await inside(['--network', 'none'], 'env | cut -d= -f1 | sort')
      expect(names.split('\n').filter((name) => !['PWD', 'SHLVL', 'OLDPWD', '_'].includes(name))).toEqual([
        'HOME',
        'HOSTNAME',
        'PATH',
        'container',
      ])
    })

    it('takes values, names of the host and files; the last one wins', async () => {
      const file = `${world.makeDirectory('env')}/vars`
      await world.command([
        'sh',
        '-c',
        `printf '# a remark\\nFROM_FILE=file\\nBOTH=file\\nHOST_ONE\\n' > ${file}`,
      ])
      const ended = await bryo(
        [
          'run',
          '--rm',
          '--network',
          'none',
          '--env-file',
          file,
          '-e',
          'BOTH=flag',
          '-e',
          'GIVEN',
          '-e',
          'EMPTY=',
          '-e',
          'PRE_*',
          '-e',
          'ABSENT',
          IMAGE,
          'env',
        ],
        { env: { GIVEN: 'from the host', PRE_A: '1', PRE_B: '2', HOST_ONE: 'h' } },
      )
      const lines = ended.stdout.split('\n')
      for (const line of [
        'FROM_FILE=file',
        'BOTH=flag',
        'GIVEN=from the host',
        'EMPTY=',
        'PRE_A=1',
        'PRE_B=2',
        'HOST_ONE=h',
      ]) {
        expect(lines).toContain(line)
      }
      expect(lines.some((line) => line.startsWith('ABSENT'))).toBe(false)
    })

    it('keeps values with line ends, quotes and bytes beyond ASCII', async () => {
      const value = 'a "b" \'c\'\n\t$x `y` \\ ü €'
      expect(await inside(['--network', 'none', '-e', `V=${value}`], 'printf %s "$V"')).toBe(value)
    })

    it("with --env-host takes over the caller's, but nothing of the launcher's", async () => {
      const ended = await bryo(['run', '--rm', '--network', 'none', '--env-host', IMAGE, 'env'], {
        env: { MINE: 'yes' },
      })
      expect(ended.stdout).toContain('MINE=yes\n')
      expect(ended.stdout).not.toMatch(/^(?:BUN_|BRYO_ARGV0)/m)
    })

    it('--unsetenv takes a variable out', async () => {
      expect(await inside(['--network', 'none', '--unsetenv', 'container'], 'echo "[$container]"')).toBe('[]')
    })
  })

  describe('bryo run: what is run, where and as whom', () => {
    it.each([
      ['root', [], '0:0'],
      ['a name of the image', ['-u', 'ana'], '1000:1000'],
      ['a name and a group', ['-u', 'ana:audio'], '1000:29'],
      ['numbers', ['-u', '12:34'], '12:34'],
      ['a number without an entry', ['-u', '4321'], '4321:0'],
    ])('as %s', async (_what, flags, ids) => {
      expect(await inside(['--network', 'none', ...flags], 'echo $(id -u):$(id -g)')).toBe(ids)
    })

    it("gives a user the home and the groups of the image's own files", async () => {
      expect(await inside(['--network', 'none', '-u', 'ana'], 'echo $HOME; id -G')).toBe('/home/ana\n1000 29')
    })

    it('--group-add adds groups by name and number', async () => {
      const groups = await inside(['--network', 'none', '-u', 'ana', '--group-add', 'video,77'], 'id -G')
      expect(
        groups
          .split(' ')
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual([29, 44, 77, 1000])
    })

    it('-w sets the working directory', async () => {
      expect(await inside(['--network', 'none', '-w', '/var/tmp'], 'pwd')).toBe('/var/tmp')
      expect(await inside(['--network', 'none', '-w', '/root'], 'pwd')).toBe('/root')
    })

    it('--entrypoint stands before the command; as a list and empty too', async () => {
      expect(await inside(['--network', 'none', '--entrypoint', 'echo'], ['a', 'b'])).toBe('a b')
      expect(await inside(['--network', 'none', '--entrypoint', '["echo","-n","x"]'], ['y'])).toBe('x y')
      expect(await inside(['--network', 'none', '--entrypoint', ''], ['echo', 'z'])).toBe('z')
    })

    it('-h sets the host name, and /etc/hostname and /etc/hosts with it', async () => {
      const text = await inside(
        ['-h', 'tarn'],
        'hostname; cat /etc/hostname; grep -c "[[:space:]]tarn" /etc/hosts',
      )
      expect(text).toBe('tarn\ntarn\n1')
    })

    it('--uts host has the name of the host', async () => {
      const host = (await world.command(['hostname'])).stdout.trim()
      expect(await inside(['--network', 'none', '--uts', 'host'], ['hostname'])).toBe(host)
    })

    it('--init runs a small init as the first process and keeps the exit code', async () => {
      expect(await inside(['--network', 'none', '--init'], 'cat /proc/1/comm; echo $$')).toMatch(
        /^(?!sh)[\w-]+\n[2-9]$/,
      )
      expect(
        await bryo(['run', '--rm', '--network', 'none', '--init', IMAGE, 'sh', '-c', 'exit 7']),
      ).toMatchObject({ code: 7 })
    })

    it('--umask and --tz are seen by the command', async () => {
      expect(await inside(['--network', 'none', '--umask', '0077'], 'umask')).toBe('0077')
      expect(await inside(['--network', 'none'], 'umask')).toBe('0022')
      expect(await inside(['--network', 'none', '--tz', 'Asia/Tokyo'], 'date +%z')).toBe('+0900')
    })

    it('--cidfile holds the id, and is not overwritten', async () => {
      const file = `${world.makeDirectory('cid')}/id`
      await inside(['--network', 'none', '--cidfile', file], ['true'])
      expect((await world.command(['cat', file])).stdout).toMatch(/^[0-9a-f]{64}$/)
      const before = world.listing()
      expect(await bryo(['run', '--rm', '--cidfile', file, IMAGE, 'true'])).toMatchObject({ code: 125 })
      await world.expectUnchanged(before)
    })

    it('--name is taken once, and --replace takes it over', async () => {
      const created = await bryo(['create', '--name', 'only', IMAGE, 'true'])
      expect(created.code).toBe(0)
      const second = await bryo(['run', '--rm', '--name', 'only', IMAGE, 'true'])
      expect(second.code).toBe(125)
      expect(second.stderr).toContain('only')
      expect(await inside(['--replace', '--name', 'only', '--network', 'none'], 'echo new')).toBe('new')
      expect((await bryo(['ps', '-aq'])).stdout).toBe('')
    })

    it('without --rm keeps the container and its exit code', async () => {
      const before = world.listing()
      expect(
        await bryo(['run', '--name', 'kept', '--network', 'none', IMAGE, 'sh', '-c', 'echo out; exit 3']),
      ).toMatchObject({ code: 3, stdout: 'out\n' })
      expect((await bryo(['ps', '-a', '--format', '{{.Names}} {{.Status}}'])).stdout).toMatch(
        /^kept Exited \(3\) .*\n$/,
      )
      expect(await bryo(['rm', 'kept'])).toMatchObject({ code: 0, stdout: 'kept\n' })
      await world.expectUnchanged(before)
    })
  })

  describe('bryo run: limits and settings of the kernel', () => {
    it('--ulimit sets soft and hard limits', async () => {
      expect(
        await inside(
          ['--network', 'none', '--ulimit', 'nofile=123:456', '--ulimit', 'core=0'],
          'ulimit -Sn; ulimit -Hn; ulimit -c',
        ),
      ).toBe('123\n456\n0')
    })

    it('--shm-size sizes /dev/shm', async () => {
      const size = (flags: readonly string[]) =>
        inside(['--network', 'none', ...flags], "df -k /dev/shm | awk 'NR == 2 { print $2 }'")
      expect(await size(['--shm-size', '8m'])).toBe('8192')
      expect(Number(await size([]))).toBeLessThanOrEqual(65536)
    })

    it('--sysctl sets a parameter of the own namespaces, and refuses another one', async () => {
      expect(
        await inside(
          ['--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.msgmax=4096'],
          'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax',
        ),
      ).toBe('1\n4096')
      const before = world.listing()
      const ended = await bryo(['run', '--rm', '--sysctl', 'vm.swappiness=1', IMAGE, 'true'])
      expect(ended.code).toBe(125)
      expect(ended.stderr).toContain('vm.swappiness')
      await world.expectUnchanged(before)
    })

    it('--device shows a device of the host, under another name too', async () => {
      expect(
        await inside(
          ['--network', 'none', '--device', '/dev/null:/dev/nothing'],
          'echo gone > /dev/nothing; cat /dev/nothing; ls -l /dev/nothing | cut -c1',
        ),
      ).toBe('c')
    })

    it('--pids-limit holds the number of processes down', async () => {
      const ended = await bryo([
        'run',
        '--rm',
        '--network',
        'none',
        '--pids-limit',
        '20',
        IMAGE,
        'sh',
        '-c',
        'for i in $(seq 60); do sleep 20 & done 2>/dev/null; echo all',
      ])
      expect(ended.stdout).not.toBe('all\n')
    })
  })
}
