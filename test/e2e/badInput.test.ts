import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, it } from 'vitest'
import { packDirectory, writeOciLayout } from './support/archive.ts'
import type { Ended } from './support/command.ts'
import { RUNS_AS_ROOT } from './support/user.ts'
import { BRYO, give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world
const NO_NETWORK = ['--network', 'none']
const directory = world.makeDirectory('bad')

/** One line that says what is wrong, and at most one that says what to do. */
function expectError(ended: Ended, code: number, ...words: readonly string[]): void {
  expect(ended, ended.stderr).toMatchObject({ code, stdout: '' })
  expect(ended.stderr).toMatch(/^Error: [^\n]+\n(?:[^\n]+\n)?$/)
  expect(ended.stderr).not.toContain('a fault of bryo itself')
  for (const word of words) expect(ended.stderr).toContain(word)
}

describe('a mistake on the command line', () => {
  it.each([
    ['an unknown flag', ['run', '--colour', IMAGE], 'unknown flag: --colour'],
    ['an unknown short flag', ['run', '-Z', IMAGE], "unknown shorthand flag: 'Z' in -Z"],
    ['a flag without its value', ['run', '--name'], 'flag needs an argument: --name'],
    ['an unknown command', ['runn', IMAGE], 'unrecognized command `bryo runn`'],
    ['no image', ['run'], 'requires at least 1 arg(s), only received 0'],
    ['a name with blanks', ['run', '--name', 'a b', IMAGE, 'true'], 'a b'],
    ['--replace without a name', ['run', '--replace', IMAGE], '--replace'],
    ['conflicting platforms', ['run', '--platform', 'linux/amd64', '--arch', 'arm64', IMAGE], '--platform'],
    ['a relative working directory', ['run', '-w', 'there', IMAGE], 'there'],
    ['a number that is none', ['run', '--pids-limit', 'many', IMAGE], 'many'],
    ['an unknown capability', ['run', '--cap-add', 'FLYING', IMAGE, 'true'], 'FLYING'],
    ['an unknown security option', ['run', '--security-opt', 'moat=deep', IMAGE], 'moat'],
    ['an unknown limit', ['run', '--ulimit', 'patience=1', IMAGE], 'patience'],
    ['an unknown signal', ['run', '--stop-signal', 'SIGNONE', IMAGE], 'SIGNONE'],
    ['an invalid reference', ['run', 'localhost//x'], 'localhost//x'],
    ['an env file that is not there', ['run', '--env-file', '/no/env', IMAGE], '/no/env'],
    [
      'a device that is not there',
      ['run', '--device', '/dev/no-such-device', IMAGE, 'true'],
      '/dev/no-such-device',
    ],
    ['an unknown storage driver', ['--storage-driver', 'stone', 'run', IMAGE, 'true'], 'stone'],
    ['an unknown time zone', ['run', '--tz', 'Moon/Tycho', IMAGE, 'true'], 'Moon/Tycho'],
    [
      'a seccomp profile that is not there',
      ['run', '--security-opt', 'seccomp=/no/profile', IMAGE, 'true'],
      '/no/profile',
    ],
    ['a root that is not there', ['run', '--rootfs', '/no/root', 'true'], '/no/root'],
  ])('%s', async (_what, args, word) => {
    const before = world.listing()
    expectError(await bryo(args), 125, word)
    await world.expectUnchanged(before)
  })
})

describe('a file to be written', () => {
  it.each([
    ['export', ['export', '-o', '/no/where', 'subject'], 'cannot write "/no/where": ENOENT'],
    ['export onto a directory', ['export', '-o', '/tmp', 'subject'], 'cannot write "/tmp": EISDIR'],
    ['volume export', ['volume', 'export', '-o', '/no/where', 'subject'], 'cannot write "/no/where": ENOENT'],
    ['commit', ['commit', '-q', '--iidfile', '/no/id', 'subject'], 'cannot write "/no/id": ENOENT'],
    ['completion', ['completion', '-f', '/no/script', 'bash'], 'cannot write "/no/script": ENOENT'],
  ])('cannot be: %s', async (_what, args, word) => {
    await bryo(['create', '--replace', '--name', 'subject', ...NO_NETWORK, IMAGE, 'true'])
    await bryo(['volume', 'create', '--ignore', 'subject'])
    expectError(await bryo(args), 125, word)
  })

  it('stays as it is where there is nothing to write', async () => {
    const path = `${directory}/kept`
    writeFileSync(path, 'kept')
    give(directory)
    expectError(await bryo(['export', '-o', path, 'nobody']), 125, 'nobody')
    expectError(await bryo(['volume', 'export', '-o', path, 'nobody']), 125, 'nobody')
    expect(readFileSync(path, 'utf8')).toBe('kept')
  })
})

describe('a container that is removed while it is followed', () => {
  it.each([
    ['logs --follow', ['logs', '--follow', 'going'], 0, ''],
    ['attach', ['attach', '--no-stdin', 'going'], 137, ''],
    ['wait', ['wait', 'going'], 0, '137\n'],
    ['wait for its end', ['wait', '--condition', 'stopped', 'going'], 0, '137\n'],
    ['wait for its removal', ['wait', '--condition', 'removed', 'going'], 0, '-1\n'],
    ['exec', ['exec', 'going', 'sleep', '1000'], 137, ''],
  ])('%s', async (_what, args, code, stdout) => {
    const run = await bryo(['run', '-d', '--name', 'going', ...NO_NETWORK, IMAGE, 'sleep', '1000'])
    expect(run).toMatchObject({ code: 0 })
    const following = world.start(args)
    await bryo(['rm', '--force', '--time', '1', 'going'])
    const ended = await following.ended
    // It may have come too late to find the container, or to find it running.
    if (ended.code === 125) expectError(ended, 125, 'going')
    else expect(ended).toMatchObject({ code, stdout, stderr: '' })
  })

  it('wait for what never comes', async () => {
    await bryo(['run', '-d', '--name', 'sick', ...NO_NETWORK, IMAGE, 'sleep', '1000'])
    const waiting = world.start(['wait', '--condition', 'healthy', 'sick'])
    await bryo(['rm', '--force', '--time', '1', 'sick'])
    expectError(await waiting.ended, 125, 'sick')
  })
})

describe('an image', () => {
  it('that does not exist here and whose registry does not answer', async () => {
    const before = world.listing()
    expectError(await bryo(['run', '--rm', '127.0.0.1:9/nothing', 'true']), 125, '127.0.0.1:9')
    expectError(
      await bryo(['run', '--rm', '--pull', 'never', 'localhost/nothing', 'true']),
      125,
      'localhost/nothing',
    )
    expect(await bryo(['inspect', 'localhost/nothing'])).toMatchObject({ code: 125, stdout: '[]\n' })
    await world.expectUnchanged(before)
  })
})

const layer = readFileSync(world.archive)
const layout = (
  name: string,
  ...rest: Parameters<typeof writeOciLayout> extends [string, Buffer, string, ...infer R] ? R : never
) => {
  writeOciLayout(`${directory}/${name}`, layer, 'localhost/broken:1', ...rest)
  give(`${directory}/${name}`)
  return `${directory}/${name}`
}

describe('a broken archive', () => {
  const flipped = (bytes: Buffer) =>
    Buffer.from(bytes.map((byte, index) => (index === bytes.length - 100 ? byte ^ 1 : byte)))

  it.each([
    ['with a flipped byte', () => layout('flipped', { layer: flipped })],
    [
      'with a layer that is cut off',
      () => layout('cut', { layer: (bytes) => bytes.subarray(0, bytes.length / 2) }),
    ],
    ['with a wrong size', () => layout('size', { size: (size) => size + 1 })],
    ['with a layer that is missing', () => removeLargest(layout('missing'))],
    ['that is cut off itself', () => truncated()],
    ['that is something else', () => text('something else')],
    ['that is empty', () => text('')],
    ['that is not there', () => `${directory}/none.tar`],
  ])('%s', async (_what, make) => {
    const before = world.listing()
    expectError(await bryo(['load', '-i', make()]), 125)
    await world.expectUnchanged(before)
  })

  it.each([
    ['a path that climbs out', '../escape', undefined],
    ['an absolute path', '/absolute-escape', undefined],
  ])('with %s stays inside', async (_what, name) => {
    const before = world.listing()
    const archive = `${directory}/climbing.tar`
    const entry = `${directory}/entry`
    writeFileSync(entry, 'escaped')
    const made = await world.command(['tar', '-P', '--transform', `s|.*|${name}|`, '-cf', archive, entry])
    expect(made.code).toBe(0)
    const ended = await bryo(['import', archive, 'localhost/climbing'])
    if (ended.code === 0) await bryo(['rmi', 'localhost/climbing'])
    else expectError(ended, 125)
    expect(readdirSync(world.dataRoot)).not.toContain('escape')
    expect(readdirSync('/')).not.toContain('absolute-escape')
    await world.expectUnchanged(before)
  })

  function removeLargest(path: string): string {
    const blobs = `${path}/blobs/sha256`
    const [largest = ''] = readdirSync(blobs).toSorted(
      (a, b) => readFileSync(`${blobs}/${b}`).length - readFileSync(`${blobs}/${a}`).length,
    )
    writeFileSync(`${blobs}/${largest}`, '')
    return path
  }

  function truncated(): string {
    packDirectory(layout('whole'), `${directory}/truncated.tar`)
    truncateSync(`${directory}/truncated.tar`, 400_000)
    give(`${directory}/truncated.tar`)
    return `${directory}/truncated.tar`
  }

  function text(content: string): string {
    writeFileSync(`${directory}/text.tar`, content)
    give(`${directory}/text.tar`)
    return `${directory}/text.tar`
  }
})

describe('permissions', () => {
  it('a volume source without permission names the place', async () => {
    const before = world.listing()
    const closed = world.makeDirectory('closed')
    mkdirSync(`${closed}/inner`)
    give(closed)
    chmodSync(closed, 0)
    expectError(
      await bryo(['run', '--rm', ...NO_NETWORK, '-v', `${closed}/inner:/w`, IMAGE, 'true']),
      125,
      `${closed}/inner`,
    )
    chmodSync(closed, 0o755)
    await world.expectUnchanged(before)
  })

  it('an archive without permission', async () => {
    const archive = `${directory}/closed.tar`
    copyFileSync(world.archive, archive)
    give(archive)
    chmodSync(archive, 0)
    expectError(await bryo(['import', archive]), 125, archive)
    chmodSync(archive, 0o644)
  })

  it.runIf(RUNS_AS_ROOT)('a store of somebody else', async () => {
    expectError(await bryo(['--root', '/root', 'ps']), 125, '/root')
  })
})

/** Runs bryo in a mount namespace where root has prepared something; only root can do that. */
const onAnotherHost = (prepare: string, args: readonly string[], env = '') => {
  const { uid, gid } = { uid: '$(stat -c %u "$HOME")', gid: '$(stat -c %g "$HOME")' }
  const script = `mount --make-rprivate / && ${prepare} && ${env} exec setpriv --reuid=${uid} --regid=${gid} --clear-groups -- "$@"`
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', BRYO, ...args]
}

describe.runIf(RUNS_AS_ROOT)('a host that lacks something', async () => {
  const { execFile } = await import('node:child_process')
  const run = (prepare: string, args: readonly string[]) =>
    new Promise<Ended>((resolve) => {
      const [program = '', ...rest] = onAnotherHost(prepare, args)
      execFile(program, rest, { cwd: world.work, env: { ...world.env } }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 255 : 0, stdout, stderr })
      })
    })
  const hide = (path: string) => `mount --bind /dev/null ${path}`

  it('subordinate ids: one id, and one line that says so', async () => {
    const ended = await run(`${hide('/etc/subuid')} && ${hide('/etc/subgid')}`, [
      'run',
      '--rm',
      ...NO_NETWORK,
      IMAGE,
      'id',
      '-u',
    ])
    expect(ended).toMatchObject({ code: 0, stdout: '0\n' })
    expect(ended.stderr).toMatch(/^[^\n]*\/etc\/subuid[^\n]*\n(?:[^\n]+\n)?$/)
  })

  it('/dev/fuse', async () => {
    const before = world.listing()
    const ended = await run(
      'mkdir -p "$TMPDIR/d" && mount -t tmpfs none "$TMPDIR/d" && mknod "$TMPDIR/d/fuse" c 10 229 && mount -o bind,nodev "$TMPDIR/d" "$TMPDIR/d" 2>/dev/null; chmod 0600 "$TMPDIR/d/fuse"; mount --bind "$TMPDIR/d/fuse" /dev/fuse',
      ['--storage-driver', 'fuse-overlayfs', 'run', '--rm', ...NO_NETWORK, IMAGE, 'true'],
    )
    expectError(ended, 125, '/dev/fuse')
    await world.expectUnchanged(before)
  })

  it('/dev/net/tun', async () => {
    const before = world.listing()
    const ended = await run(
      'mkdir -p "$TMPDIR/d" && mount -t tmpfs none "$TMPDIR/d" && mknod -m 0600 "$TMPDIR/d/tun" c 10 200 && mount --bind "$TMPDIR/d/tun" /dev/net/tun',
      ['run', '--rm', IMAGE, 'true'],
    )
    expectError(ended, 125, '/dev/net/tun')
    await world.expectUnchanged(before)
  })

  it.each(['slirp4netns', 'newuidmap'])('%s', async (program) => {
    const before = world.listing()
    const ended = await run(
      `for p in /usr/bin/${program} /bin/${program}; do [ -e $p ] && ${hide('$p')}; done; true`,
      ['run', '--rm', IMAGE, 'true'],
    )
    expectError(ended, 125, program)
    await world.expectUnchanged(before)
  })

  it('and the doctor names it, with the line that mends it', async () => {
    const ended = await run(`${hide('/etc/subuid')} && ${hide('/etc/subgid')}`, ['doctor'])
    expect(ended.stdout).toMatch(/^(?:error|warning) +subordinate ids/m)
    expect(ended.stdout).toContain('/etc/subuid')
  })

  it('room on the disk', async () => {
    const store = world.makeDirectory('small')
    const ended = await run(
      `mount -t tmpfs -o size=1m,mode=0777 none ${store} && chown $(stat -c %u "$HOME") ${store}`,
      ['--root', `${store}/s`, 'import', world.archive, 'localhost/big'],
    )
    expectError(ended, 125, 'space')
  })
})
