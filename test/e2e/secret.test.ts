import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { give, IMAGE, openWorld } from './support/world.ts'

const world = await openWorld()
const { bryo } = world

async function ok(args: readonly string[], input?: string): Promise<string> {
  const ended = await bryo(args, input === undefined ? {} : { input })
  expect(ended, `${args.join(' ')}: ${ended.stderr}`).toMatchObject({ code: 0, stderr: '' })
  return ended.stdout.replace(/\n$/, '')
}

const put = (name: string, text: string, ...flags: readonly string[]) =>
  ok(['secret', 'create', ...flags, name, '-'], text)

describe('bryo secret create', () => {
  it('stores a file, standard input or a variable, for nobody else to read', async () => {
    const file = join(world.work, 'plain')
    writeFileSync(file, 'from a file\n')
    give(file)
    const id = await ok(['secret', 'create', '--label', 'a=b', 'filed', file])
    expect(id).toMatch(/^[0-9a-f]{25}$/)
    await put('piped', 'from a pipe')
    const env = { env: { TOKEN: 'from a variable' } }
    expect((await bryo(['secret', 'create', '--env', 'variable', 'TOKEN'], env)).code).toBe(0)
    const show = (name: string) => ok(['secret', 'inspect', '--showsecret', '-f', '{{.SecretData}}', name])
    expect(await show('filed')).toBe('from a file\n')
    expect(await show('piped')).toBe('from a pipe')
    expect(await show('variable')).toBe('from a variable')
    const directory = join(world.dataRoot, 'secrets')
    expect(lstatSync(directory).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(directory))
      expect(lstatSync(join(directory, name)).mode & 0o777).toBe(0o600)
  })

  it('replaces one only where --replace is given', async () => {
    await put('twice', 'first')
    const refused = await bryo(['secret', 'create', 'twice', '-'], { input: 'second' })
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('twice: secret name in use') })
    await put('twice', 'second', '--replace')
    expect(await ok(['secret', 'inspect', '--showsecret', '-f', '{{.SecretData}}', 'twice'])).toBe('second')
  })

  it.each([
    [['../x', '-'], 'x', 'invalid secret name'],
    [['-d', '/bin/evil', 'x', '-'], 'x', 'no secret driver "/bin/evil"'],
    [['x', '-'], '', 'must be larger than 0'],
    [['x', '-'], 'y'.repeat(512_000), 'less than 512000 bytes'],
    [['x', 'nofile'], '', 'cannot read secret'],
    [['--env', 'x', 'NOT_SET'], '', 'environment variable NOT_SET is not set'],
    [['x'], '', 'requires at least 2'],
  ])('refuses %j', async (args, input, message) => {
    const ended = await bryo(['secret', 'create', ...args], { input })
    expect(ended).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining(message) })
    expect((await bryo(['secret', 'exists', 'x'])).code).toBe(1)
  })
})

describe('bryo secret ls, inspect, exists and rm', () => {
  it('tell all but the secret, in the known shapes', async () => {
    const id = await put('told', 'hidden words', '-l', 'a=b')
    expect(await ok(['secret', 'ls', '--filter', 'name=told'])).toMatch(
      new RegExp(`^ID +NAME +DRIVER +CREATED +UPDATED\n${id} +told +file +.* ago +.* ago$`),
    )
    const text = await ok(['secret', 'inspect', 'told'])
    expect(JSON.parse(text)).toMatchObject([
      { ID: id, Spec: { Name: 'told', Driver: { Name: 'file' }, Labels: { a: 'b' } } },
    ])
    expect(text + (await ok(['secret', 'ls', '--format', 'json']))).not.toContain('hidden')
    expect(await ok(['secret', 'inspect', '--pretty', id.slice(0, 8)])).toMatch(
      /^ID: +[0-9a-f]+\nName: +told\n/,
    )
    expect((await bryo(['secret', 'exists', id])).code).toBe(0)
    expect(await bryo(['secret', 'inspect', 'nowhere'])).toMatchObject({
      code: 125,
      stderr: 'Error: no secret with name or id "nowhere": no such secret\n',
    })
    expect(await ok(['secret', 'rm', 'told'])).toBe(id)
    expect((await bryo(['secret', 'exists', 'told'])).code).toBe(1)
    expect((await bryo(['secret', 'rm', 'told'])).code).toBe(125)
    expect(await ok(['secret', 'rm', '--ignore', 'told'])).toBe('')
    expect((await bryo(['secret', 'rm'])).code).toBe(125)
  })
})

describe('bryo run --secret', () => {
  it('shows a file in memory below /run/secrets, read-only and readable for every user', async () => {
    await put('password', 's3cret\n')
    const look =
      'id -u; cat /run/secrets/password; stat -c "%a %u:%g" /run/secrets/password; stat -f -c %T /run/secrets; grep -c " /run/secrets ro," /proc/self/mountinfo'
    expect(await world.inside(['--secret', 'password', '-u', '1000'], look)).toBe(
      '1000\ns3cret\n444 0:0\ntmpfs\n1',
    )
    const write = 'echo x > /run/secrets/password || rm -f /run/secrets/password || echo refused'
    expect(await world.inside(['--secret', 'password'], `(${write}) 2>/dev/null`)).toBe('refused')
  })

  it('takes owner, mode and target, also elsewhere in the root', async () => {
    await put('key', 'the key')
    const flags = [
      ...['--secret', 'source=key,target=tls/key.pem,mode=0400,uid=1000,gid=7'],
      ...['--secret', 'key,target=/etc/deep/key,mode=0440'],
    ]
    const look =
      'cd /run/secrets; stat -c "%n %a %u:%g" tls/key.pem /etc/deep/key; cat /etc/deep/key; ls -A; stat -f -c %T /etc/deep/key'
    expect(await world.inside(flags, look)).toBe(
      'tls/key.pem 400 1000:7\n/etc/deep/key 440 0:0\nthe keytls\ntmpfs',
    )
    expect(await world.inside(['-u', '1000', ...flags], 'cat /run/secrets/tls/key.pem')).toBe('the key')
  })

  it('shows a variable, which inspect does not', async () => {
    await put('token', 'abc123')
    const flags = ['--secret', 'token,type=env', '--secret', 'token,type=env,target=OTHER']
    expect(await world.inside(flags, 'echo $token $OTHER; test ! -e /run/secrets')).toBe('abc123 abc123')
    await ok([
      'create',
      '--name',
      'kept',
      ...flags,
      '--secret',
      'token',
      IMAGE,
      'sh',
      '-c',
      'test $OTHER = $(cat /run/secrets/token) && echo ${#OTHER}',
    ])
    expect(await ok(['inspect', 'kept'])).not.toContain('abc123')
    expect(await ok(['start', '-a', 'kept'])).toBe('6')
    // Read anew at each start.
    await put('token', 'new-one', '--replace')
    expect(await ok(['start', '-a', 'kept'])).toBe('7')
    const found = await world.command([
      'grep',
      '-rls',
      'abc123',
      join(world.dataRoot, 'containers'),
      world.runRoot,
    ])
    expect(found.stdout).toBe('')
    await ok(['secret', 'rm', 'token'])
    expect((await bryo(['start', '-a', 'kept'])).stderr).toContain('no secret with name or id "token"')
    await ok(['rm', 'kept'])
  })

  it('holds for every kind of root and user namespace', async () => {
    await put('plain', 'text')
    for (const flags of [['--read-only'], ['--userns=keep-id'], ['--userns=auto'], ['--network=none']]) {
      expect(await world.inside(['--secret', 'plain', ...flags], 'cat /run/secrets/plain')).toBe('text')
    }
    const ended = await bryo([
      'run',
      '--rm',
      '--secret',
      'plain',
      '--rootfs',
      `${world.rootfs}:O`,
      'cat',
      '/run/secrets/plain',
    ])
    expect(ended).toMatchObject({ code: 0, stdout: 'text' })
  })

  it.each([
    ['nowhere', 'no such secret'],
    ['plain,target=../x', 'expected a name, or an absolute path'],
    ['plain,mode=9', 'expected octal digits'],
    ['plain,type=env,mode=0400', 'type=env has none'],
    ['plain,color=red', 'unknown key "color"'],
    ['plain,uid=4294967295', 'expected a number'],
    ['plain,uid=4000000000', 'not ids of the container'],
  ])('refuses %s and leaves nothing', async (secret, message) => {
    const before = world.listing()
    const ended = await bryo(['run', '--rm', '--secret', secret, IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining(message) })
    await world.expectUnchanged(before)
  })

  it('refuses to put a NUL into the environment', async () => {
    await put('binary', 'a\0b')
    const ended = await bryo(['run', '--rm', '--secret', 'binary,type=env', IMAGE, 'true'])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('it contains NUL') })
    expect(await world.inside(['--secret', 'binary'], 'od -An -c /run/secrets/binary | tr -d " "')).toBe(
      'a\\0b',
    )
  })
})

// CVE-2024-9341: the image has links where bryo mounts.
describe('an image whose /run/secrets is a link', () => {
  it('gets its secret inside of its root, and nothing of the host is touched', async () => {
    const outside = join(world.work, 'outside')
    mkdirSync(outside)
    give(outside)
    const root = join(world.work, 'linked')
    await world.command(['cp', '-a', world.rootfs, root])
    for (const [name, target] of [
      ['run', outside],
      ['etc/secret', join(outside, 'file')],
    ] as const) {
      symlinkSync(target, join(root, name))
      lstatSync(join(root, name))
    }
    await put('linked', 'text')
    const flags = ['--secret', 'linked', '--secret', 'linked,target=/etc/secret']
    const ended = await bryo([
      ...['run', '--rm', ...flags, '--rootfs', `${root}:O`, 'sh', '-c'],
      `cat /run/secrets/linked /etc/secret; ls ${outside}`,
    ])
    expect(ended).toMatchObject({ code: 0, stdout: 'texttextfile\nsecrets\n' })
    expect(readdirSync(outside)).toEqual([])
  })
})
